// A client from accept() until its connection begins: what each step of the way in (arrivals.hpp) learns of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/flow.hpp"
#include "edge/tls_session.hpp"

namespace tandem::edge {

class TlsCertificates;
struct WebSocketOptions;

// Owns the socket: closes it unless release() was called.
class ClientSocket {
 public:
  explicit ClientSocket(int fd) : fd_(fd) {}
  ~ClientSocket();
  ClientSocket(ClientSocket&& other) noexcept : fd_(other.release()) {}
  ClientSocket& operator=(ClientSocket&&) = delete;
  int get() const { return fd_; }
  int release();

 private:
  int fd_;
};

struct Newcomer {
  ClientSocket socket;  // non-blocking
  Flow flow;            // of the TCP connection
  IpAddress address;    // whom it counts for: that of the flow, or the client that a proxy speaks for
  std::string remote;   // the same with its port, as text
  // Of its listener.
  const WebSocketOptions* websocket = nullptr;                    // null: MQTT itself; outlives the connection
  std::shared_ptr<const TlsCertificates> certificates = nullptr;  // null: plain
  // After the handshake.
  std::unique_ptr<TlsSession> tls = nullptr;
  std::string certificate_user = {};
};

}  // namespace tandem::edge
