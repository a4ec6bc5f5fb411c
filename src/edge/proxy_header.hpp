// What a proxy says before a client's first byte: the header of HAProxy's PROXY protocol, version 1 (a line of text) or
// 2 (binary), https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt. Without a socket: bytes in, the client's
// address out. It believes what it reads: only a proxy's bytes may come here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/flow.hpp"

namespace tandem::edge {

// Whom a proxy forwards.
struct ProxiedClient {
  IpAddress address;  // IPv4 also where it came as IPv6 (::ffff:192.0.2.1)
  std::uint16_t port = 0;
  friend bool operator==(const ProxiedClient&, const ProxiedClient&) = default;
};

class ProxyHeader {
 public:
  enum class State : std::uint8_t { incomplete, whole, malformed };

  // Takes what belongs to the header from the front of `bytes`, which may be cut anywhere, and says how much that was:
  // all of it while the header is incomplete. The rest is the client's. Memory: 107 bytes.
  std::size_t take(ByteView bytes);
  State state() const { return state_; }
  bool begun() const { return !kept_.empty(); }
  // Of a whole header. Nothing: the proxy speaks for itself (LOCAL) or does not know for whom (UNKNOWN, UNSPEC, another
  // protocol than TCP over IP): the connection's own address counts.
  const std::optional<ProxiedClient>& client() const { return client_; }
  // Of a malformed one, for a person; nothing of its bytes is in it.
  const char* problem() const { return problem_; }

 private:
  void look();
  void look_at_line();
  void read_line();
  void look_at_block();
  void read_block_head();
  void read_block_address();
  void fail(const char* problem);

  State state_ = State::incomplete;
  std::string kept_;               // version 1: the line so far; 2: the head of 16 bytes, and the addresses
  std::size_t address_bytes_ = 0;  // of version 2, that are read
  std::size_t ignored_bytes_ = 0;  // behind them (TLVs, addresses of other kinds): still to come
  std::optional<ProxiedClient> client_;
  const char* problem_ = "";
};

}  // namespace tandem::edge
