// How a connection begins and is read; connection_write.cpp has how it is written, connection_end.cpp how it ends and
// when.
#include "edge/connection_io.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/limits.hpp"
#include "edge/edge_state.hpp"
#include "edge/parallel_io.hpp"

namespace tandem::edge {

namespace {

// A packet of which more than this is missing counts as a sign of life while it grows: its client cannot ping
// meanwhile.
constexpr std::size_t growing_packet_bytes = 1000;

}  // namespace

ConnectionIo::ConnectionIo(EdgeState& edge, Newcomer newcomer)
    : edge_(&edge),
      socket_(edge.loop.get_executor(), newcomer.socket.release()),
      tls_(std::move(newcomer.tls)),
      since_ms_(edge.now_ms) {
  flow_ = newcomer.flow;
  address_ = newcomer.address;
  remote_ = std::move(newcomer.remote);
  certificate_user_ = std::move(newcomer.certificate_user);
  if (newcomer.websocket != nullptr) websocket_ = std::make_unique<WebSocket>(*newcomer.websocket);
  shares_ = !tls_ && !websocket_;
  decode_options_.max_packet_bytes = edge.options.max_connect_bytes;
}

void ConnectionIo::start(EdgeState& edge, Newcomer newcomer) {
  const bool tls = newcomer.tls != nullptr;
  const IoPtr connection(new ConnectionIo(edge, std::move(newcomer)));
  connection->id_ = edge.table.add(connection);
  edge.open.add(*connection);
  connection->start_clock();
  // What came with the end of the handshake may lie in the session already.
  tls ? connection->read_without_waiting() : connection->wait_readable();
}

void ConnectionIo::read_without_waiting() {
  read_pending_ = true;
  boost::asio::post(edge_->loop, [self = IoPtr(this)] { self->on_readable(); });
}

void ConnectionIo::wait_readable() {
  if (tls_ && tls_->has_more() && phase_ == Phase::open) return read_without_waiting();
  read_pending_ = true;
  const bool to_write = tls_ && tls_->read_wants_write() && phase_ == Phase::open;
  socket_.async_wait(
      to_write ? boost::asio::posix::descriptor_base::wait_write : boost::asio::posix::descriptor_base::wait_read,
      [self = IoPtr(this)](const boost::system::error_code&) { self->on_readable(); });
}

void ConnectionIo::on_readable() {
  const bool wanted = phase_ == Phase::open && !paused_;  // a closed one may have outlived the edge
  if (wanted && edge_->parallel && edge_->parallel->reads()) return edge_->parallel->read_soon(this);
  if (wants_receive()) take_received(receive_alone());
}

bool ConnectionIo::wants_receive() {
  read_pending_ = false;
  if (phase_ == Phase::open) {
    if (paused_) return false;
    const bool packets_of_before_a_pause = !rest_.empty() && rest_.size() >= needed_;
    if (packets_of_before_a_pause && !take_rest()) return false;
    if (websocket_ && websocket_ended()) return false;
    if (put_off_reading()) return false;
    read_pending_ = true;
    read_put_off_ = false;
    return true;
  }
  if (phase_ != Phase::closed) discard();
  return false;
}

// A TLS session does one thing at a time. True: it is writing; it is read in the next turn.
bool ConnectionIo::put_off_reading() {
  if (!tls_ || lent_bytes_ == 0 || phase_ == Phase::closed) return false;
  read_pending_ = read_put_off_ = true;
  edge_->to_read.emplace_back(this);
  return true;
}

void ConnectionIo::read_next_turn() {
  if (put_off_reading()) return;
  read_pending_ = false;
  const bool wanted = phase_ == Phase::open ? !paused_ : phase_ != Phase::closed && !end_seen_;
  if (wanted) wait_readable();
}

ConnectionIo::Received ConnectionIo::receive_alone() {
  const Received received = receive_into(edge_->read_buffer.space());
  if (received.count > 0) edge_->read_buffer.came(static_cast<std::size_t>(received.count));
  return received;
}

ConnectionIo::Received ConnectionIo::receive_into(char* buffer) {
  Received received;
  received.count = receive_some(buffer);
  if (received.count > 0) {
    const auto size = static_cast<std::size_t>(received.count);
    received.bytes = websocket_ ? websocket_->receive(buffer, size) : ByteView(buffer, size);
  } else if (received.count < 0) {
    received.error = errno;
  }
  return received;
}

void ConnectionIo::take_received(const Received& received) {
  read_pending_ = false;
  if (phase_ == Phase::closed) return;
  if (received.count > 0) {
    edge_->bytes_read_this_turn += static_cast<std::uint64_t>(received.count);
    edge_->open.count().bytes_received += static_cast<std::uint64_t>(received.count);
    take_from_client(received.bytes);
    if (phase_ == Phase::closed || read_pending_) return;
    if (phase_ == Phase::open && paused_) return;
  } else if (phase_ == Phase::open && paused_) {
    return;  // its end is noticed when it is resumed
  } else if (received.count == 0) {
    end_seen_ = true;
    return phase_ == Phase::draining ? close_now() : end_with(CloseCause::peer_closed);
  } else if (!would_block(received.error)) {
    end_with(CloseCause::peer_closed);
    return close_now();
  }
  read_pending_ = true;
  edge_->to_read.emplace_back(this);
}

// While others were decoded this one may have been paused, or told to end, with its bytes read already.
void ConnectionIo::take_from_client(ByteView bytes) {
  if (websocket_ && websocket_->has_to_say()) will_write();
  if (phase_ != Phase::open) return;
  if (paused_) {
    rest_.append(bytes, 0);
    return;
  }
  if (!bytes.empty()) take(bytes);
  if (websocket_ && phase_ == Phase::open && !paused_) websocket_ended();
}

ssize_t ConnectionIo::receive_some(char* buffer) {
  if (tls_) return tls_->read(buffer, limits::turn_bytes_per_connection);
  return ::recv(socket_.native_handle(), buffer, limits::turn_bytes_per_connection, MSG_DONTWAIT);
}

// What the client still says to one that has said its last word; TLS or not does not matter any more.
void ConnectionIo::discard() {
  const ssize_t count =
      ::recv(socket_.native_handle(), edge_->read_buffer.space(), limits::turn_bytes_per_connection, MSG_DONTWAIT);
  if (count > 0 || (count < 0 && would_block(errno))) {
    read_pending_ = true;
    edge_->to_read.emplace_back(this);
    return;
  }
  end_seen_ = true;
  if (count < 0 || phase_ == Phase::draining) close_now();
}

// Decodes everything that has become whole. `bytes` is in the edge's buffer, which the next reader
// overwrites unless it stays (ReadBuffer).
void ConnectionIo::take(ByteView bytes) {
  while (!rest_.empty() && !bytes.empty()) {
    const std::size_t missing = std::min(needed_ - rest_.size(), bytes.size());
    rest_.append(bytes.substr(0, missing), needed_);
    bytes.remove_prefix(missing);
    if (rest_.size() < needed_) {
      if (established_ && needed_ > growing_packet_bytes) since_ms_ = edge_->now_ms;
      return;
    }
    if (!take_rest()) {
      if (phase_ == Phase::open) rest_.append(bytes, 0);
      return;
    }
  }
  if (bytes.empty()) return;
  const std::size_t used = decode_all(bytes);
  if (phase_ == Phase::open && used < bytes.size()) rest_.append(bytes.substr(used), 0);
}

// Decodes what is whole in rest_. True: go on with this connection.
bool ConnectionIo::take_rest() {
  const std::size_t used = decode_all(rest_.view());
  rest_.remove_front(used);
  return phase_ == Phase::open && !paused_;
}

// Hands over all whole packets; returns the bytes used and sets needed_ for what is left. Everything counts
// as used when the connection ends meanwhile. The sink may do anything to this connection; the caller of
// read() holds a reference.
std::size_t ConnectionIo::decode_all(ByteView bytes) {
  std::size_t used = 0;
  needed_ = 0;
  while (used < bytes.size()) {
    const mqtt::Decoded decoded = mqtt::decode(bytes.substr(used), decode_options_, edge_->packet);
    if (decoded.status == mqtt::DecodeStatus::incomplete) {
      CHECK(decoded.needed > bytes.size() - used);
      needed_ = decoded.needed;
      return used;
    }
    if (decoded.status == mqtt::DecodeStatus::error) {
      begin_closing();
      edge_->sink.on_malformed(*this, decoded);
      return bytes.size();
    }
    used += decoded.used;
    if (established_) since_ms_ = edge_->now_ms;
    if (!edge_->sink.on_packet(*this, edge_->packet)) close_after_flush();
    if (phase_ != Phase::open) return bytes.size();
    if (paused_) return used;
  }
  return used;
}

void ConnectionIo::pause_reading() {
  paused_ = true;
}

void ConnectionIo::resume_reading() {
  if (!paused_ || phase_ != Phase::open) return;
  paused_ = false;
  if (established_) start_clock();
  if (read_pending_) return;
  const bool whole_packets = !rest_.empty() && rest_.size() >= needed_;
  const bool end_unsaid = websocket_ && websocket_->end() != WebSocket::End::none;
  whole_packets || end_unsaid ? read_without_waiting() : wait_readable();
}

}  // namespace tandem::edge
