// What both sides' sockets have in common.
#include "mirror/link_path.hpp"

#include <cstdint>
#include <cstring>

#include "base/limits.hpp"

namespace tandem::mirror {

namespace {

constexpr int reconnect_ms = 10;
constexpr int heartbeat_ivl_ms = 10;  // libzmq's own: they notice a stopped or vanished host
constexpr int heartbeat_timeout_ms = 75;
constexpr int handshake_ms = 1'000;
constexpr int send_high_water = 100'000;  // frames; the stream's own limit in bytes is reached long before
constexpr int linger_at_end_ms = 200;     // a last RELEASE may go out

}  // namespace

void Path::end(bool connected) {
  socket_.set(zmq::sockopt::linger, connected ? linger_at_end_ms : 0);
}

zmq::message_t Path::join(ByteView head, ByteView body) {
  zmq::message_t message(head.size() + body.size());
  if (!head.empty()) std::memcpy(message.data(), head.data(), head.size());
  if (!body.empty()) std::memcpy(message.data<char>() + head.size(), body.data(), body.size());
  return message;
}

void Path::skip_rest(zmq::message_t& part) {
  while (part.more()) {
    if (!socket_.recv(part, zmq::recv_flags::dontwait)) return;
  }
}

void Path::set_own_keys(const KeyPair& own) {
  socket_.set(zmq::sockopt::curve_publickey, own.public_key);
  socket_.set(zmq::sockopt::curve_secretkey, own.secret_key);
}

void Path::set_common(const KeyPair& own) {
  set_own_keys(own);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::rcvhwm, 0);
  socket_.set(zmq::sockopt::sndhwm, send_high_water);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::max_frame_bytes));
  socket_.set(zmq::sockopt::reconnect_ivl, reconnect_ms);
  socket_.set(zmq::sockopt::handshake_ivl, handshake_ms);
  socket_.set(zmq::sockopt::heartbeat_ivl, heartbeat_ivl_ms);
  socket_.set(zmq::sockopt::heartbeat_timeout, heartbeat_timeout_ms);
  socket_.set(zmq::sockopt::ipv6, true);
}

}  // namespace tandem::mirror
