// The way in: from accept() through the limits, a proxy's header and the TLS handshake to a connection. Who does not
// get there is counted, and told in the journal once in a while.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/token_bucket.hpp"
#include "edge/edge_state.hpp"
#include "edge/newcomer.hpp"
#include "edge/proxy_clients.hpp"
#include "edge/tls_handshakes.hpp"

namespace tandem::edge {

class Arrivals {
 public:
  explicit Arrivals(EdgeState& state);

  // False: the next client waits in the backlog.
  bool may_accept(const ListenerOptions& listener);
  // A client that was accepted.
  void take(int fd, const Flow& flow, std::string remote, const ListenerOptions& listener);
  void tick();
  void drop_all();  // resets those that are on their way

 private:
  // Since the journal was told last.
  struct Untold {
    std::uint64_t count = 0;
    std::string last;  // who it was, and why
    void add(std::string who);
  };

  Steady now() const;
  std::size_t sockets() const;
  bool too_many_from(const Newcomer& newcomer);
  void go_on(Newcomer newcomer);
  void shook_hands(Newcomer newcomer);
  void handshake_failed(const Newcomer& newcomer, const std::string& why);
  void header_failed(const Newcomer& newcomer, ProxyClients::Failure failure, const char* why);
  void tell();

  EdgeState& state_;
  TokenBucket connects_;
  ProxyClients proxied_;
  std::unique_ptr<TlsHandshakes> handshakes_;  // null: no listener has TLS
  Untold beyond_connections_;
  Untold beyond_address_;
  Untold failed_handshakes_;
  Untold strangers_;
  Untold failed_headers_;
  std::uint64_t connect_pauses_ = 0;    // of accepting, that the journal has not heard of
  std::uint64_t handshake_pauses_ = 0;  // likewise
  std::int64_t next_warning_ms_ = EdgeState::no_time_yet;
};

}  // namespace tandem::edge
