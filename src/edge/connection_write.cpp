// How a connection is written: by the core thread alone, or what is lent to another thread and finished by the core.
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/limits.hpp"
#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"

namespace tandem::edge {

ssize_t ConnectionIo::send_some(const char* bytes, std::size_t size) {
  if (tls_) return tls_->write(bytes, size);
  return ::send(socket_.native_handle(), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void ConnectionIo::queue_write() {
  write_queued_ = true;
  if (phase_ == Phase::open || phase_ == Phase::flushing) edge_->to_write.emplace_back(this);
}

void ConnectionIo::write_now() {
  if (may_write()) write_alone();
}

bool ConnectionIo::may_write() {
  write_queued_ = false;
  return !write_blocked_ && (phase_ == Phase::open || phase_ == Phase::flushing);
}

void ConnectionIo::write_alone() {
  if (websocket_) websocket_->frame(out_, phase_ == Phase::flushing);
  Sent sent;
  if (unsent_bytes() > 0) {
    wrote_ = true;
    sent.count = send_some(out_.data() + out_sent_, unsent_bytes());
    if (sent.count < 0) sent.error = errno;
  }
  finish_write(sent);
}

void ConnectionIo::finish_write(const Sent& sent) {
  if (sent.count < 0 && !would_block(sent.error)) {
    if (phase_ == Phase::flushing) return close_now();
    write_blocked_ = true;  // nothing more goes out; the sink hears of it from the loop
    boost::asio::post(edge_->loop, [self = IoPtr(this)] { self->end_unwritable(); });
    return;
  }
  if (sent.count > 0) {
    out_sent_ += static_cast<std::size_t>(sent.count);
    edge_->open.count().bytes_sent += static_cast<std::uint64_t>(sent.count);
  }
  if (unsent_bytes() == 0) {
    all_written();
  } else {
    wait_writable();
  }
}

bool ConnectionIo::lend() {
  if (websocket_) websocket_->frame(out_, phase_ == Phase::flushing);
  if (out_.empty() || out_sent_ > 0 || read_put_off_) return false;
  CHECK(lent_bytes_ == 0);
  out_.swap(lent_);
  lent_bytes_ = lent_.size();
  wrote_ = true;
  return true;
}

ConnectionIo::Sent ConnectionIo::send_lent() {
  Sent sent;
  sent.count = send_some(lent_.data(), lent_.size());
  if (sent.count < 0) sent.error = errno;
  return sent;
}

void ConnectionIo::finish_lent(const Sent& sent) {
  lent_bytes_ = 0;
  if (phase_ == Phase::closed) return;
  if (sent.count < 0 || static_cast<std::size_t>(sent.count) < lent_.size()) {
    lent_ += out_;
    out_.swap(lent_);
    lent_.clear();
    return finish_write(sent);
  }
  edge_->open.count().bytes_sent += lent_.size();
  if (websocket_) websocket_->removed_front(lent_.size());
  lent_.clear();
  if (out_.empty()) out_.swap(lent_);  // the memory is warm
  if (!write_queued_) all_written();
}

// The client is gone, but what it said before still counts: after a DISCONNECT its will does not fire.
void ConnectionIo::end_unwritable() {
  while (phase_ == Phase::open && !paused_) {
    const Received received = receive_into(edge_->read_buffer.get());
    if (received.count <= 0) break;
    take_from_client(received.bytes);
  }
  end_with(CloseCause::peer_closed);
  close_now();
}

void ConnectionIo::wait_writable() {
  // Moves what is left to the front only when at least as much has been sent: a byte is moved once on
  // average.
  if (out_sent_ >= limits::turn_bytes_per_connection && out_sent_ >= unsent_bytes()) {
    if (websocket_) websocket_->removed_front(out_sent_);
    out_.erase(0, out_sent_);
    out_sent_ = 0;
  }
  write_blocked_ = true;
  socket_.async_wait(boost::asio::posix::descriptor_base::wait_write,
                     [self = IoPtr(this)](const boost::system::error_code&) {
                       self->write_blocked_ = false;
                       self->write_now();
                     });
}

void ConnectionIo::all_written() {
  if (websocket_) websocket_->removed_front(out_.size());
  out_.clear();
  out_sent_ = 0;
  if (phase_ == Phase::flushing) {
    if (tls_ && !tls_->say_end()) return wait_writable();
    if (end_seen_) return close_now();
    if (!client_closes_first_) ::shutdown(socket_.native_handle(), SHUT_WR);
    phase_ = Phase::draining;
    start_clock();
  }
  if (!warm_) {
    warm_ = true;
    edge_->warm.emplace_back(this);
  }
}

bool ConnectionIo::cool_down() {
  if (std::exchange(wrote_, false) || unsent_bytes() > 0) return false;
  ByteBuffer().swap(out_);
  ByteBuffer().swap(lent_);
  warm_ = false;
  return true;
}

}  // namespace tandem::edge
