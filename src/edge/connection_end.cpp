// How a connection ends, and when time ends it: keep-alive, no CONNECT, a client that does not let go.
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/limits.hpp"
#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"
#include "edge/parallel_io.hpp"

namespace tandem::edge {

// ---- Ending ----

// Tells the sink; what it appends goes out with the turn's flush.
void ConnectionIo::end_with(CloseCause cause) {
  if (phase_ != Phase::open) return;
  begin_closing();
  edge_->sink.on_closed(*this, cause);
  if (phase_ == Phase::flushing && end_seen_ && unsent_bytes() == 0) close_now();
}

void ConnectionIo::begin_closing() {
  phase_ = Phase::flushing;
  edge_->open.remove(id_);
  start_clock();
  if (!write_queued_) queue_write();
  if (!read_pending_ && !end_seen_) {
    read_pending_ = true;
    edge_->to_read.emplace_back(this);
  }
}

void ConnectionIo::close_after_flush() {
  if (phase_ == Phase::open) begin_closing();
}

void ConnectionIo::close_now() {
  if (phase_ == Phase::closed) return;
  const linger in_order{0, 0};  // FIN, and the kernel sends what is left; the listener's sockets are reset otherwise
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &in_order, sizeof in_order);
  reset_now();
}

void ConnectionIo::reset_now() {
  if (phase_ == Phase::closed) return;
  const IoPtr self(this);
  if (edge_->parallel) edge_->parallel->wait();  // nobody may use what its descriptor names next
  edge_->open.remove(id_);
  phase_ = Phase::closed;
  edge_->table.remove(id_);
  output_.clear();  // what keeps its pieces may end before the last handler that holds the connection
  lent_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

// ---- Time ----

void ConnectionIo::authenticating() {
  version_ = mqtt::Version::v5;
  decode_options_.version = version_;
}

void ConnectionIo::established(mqtt::Version version, std::uint16_t keep_alive_s, std::uint32_t max_packet_bytes_out) {
  version_ = version;
  established_ = true;
  max_packet_bytes_out_ = max_packet_bytes_out;
  decode_options_.version = version;
  decode_options_.max_packet_bytes = edge_->options.max_packet_bytes;
  keep_alive_ms_ = std::int64_t{keep_alive_s} * 1500;
  if (phase_ == Phase::open) start_clock();
}

std::int64_t ConnectionIo::patience_ms() const {
  if (phase_ == Phase::flushing) return limits::close_flush_ms;
  if (phase_ == Phase::draining) return client_closes_first_ ? limits::close_first_ms : limits::close_drain_ms;
  if (!established_) return edge_->options.connect_timeout_ms;
  return keep_alive_ms_ == 0 ? ConnectionTable::never : keep_alive_ms_ + limits::keep_alive_slack_ms;
}

void ConnectionIo::start_clock() {
  since_ms_ = edge_->now_ms;
  const std::int64_t patience = patience_ms();
  if (patience == ConnectionTable::never) {
    edge_->table.set_check_at_ms(id_, ConnectionTable::never);
  } else if (since_ms_ == EdgeState::no_time_yet) {
    edge_->table.set_check_at_ms(id_, ConnectionTable::at_next_tick);
  } else {
    edge_->table.set_check_at_ms(id_, since_ms_ + patience);
  }
}

// Signs of life only move since_ms_, so check_at may come too early: then it is set anew.
void ConnectionIo::check(std::int64_t now_ms) {
  if (since_ms_ == EdgeState::no_time_yet || patience_ms() == ConnectionTable::never) return start_clock();
  const std::int64_t due_ms = since_ms_ + patience_ms();
  if (now_ms >= due_ms) return expire(now_ms);
  edge_->table.set_check_at_ms(id_, due_ms);
}

void ConnectionIo::expire(std::int64_t now_ms) {
  if (phase_ == Phase::draining && std::exchange(client_closes_first_, false)) {
    ::shutdown(socket_.native_handle(), SHUT_WR);
    return start_clock();
  }
  if (phase_ != Phase::open) return close_now();
  int unread_bytes = 0;
  const bool unread = ::ioctl(socket_.native_handle(), FIONREAD, &unread_bytes) == 0 && unread_bytes > 0;
  if (paused_ || unread) {  // silence of ours, not of the client: we have not read it for a while
    edge_->table.set_check_at_ms(id_, now_ms + limits::close_drain_ms);
    return;
  }
  if (established_) return end_with(CloseCause::keep_alive_timeout);
  end_with(CloseCause::connect_timeout);
  close_now();
}

}  // namespace tandem::edge
