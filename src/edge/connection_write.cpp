// How a connection is written: by the core thread alone, or what is lent to another thread and finished by the core.
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"

namespace tandem::edge {

// On any thread: `output` is only read.
ConnectionIo::Sent ConnectionIo::send(const Output& output) {
  Sent sent;
  if (output.has_pieces()) {
    sent.count = send_pieces(output);
  } else {
    const ByteView bytes = ByteView(output.own()).substr(output.begin().own);
    sent.count = tls_ ? tls_->write(bytes.data(), bytes.size())
                      : ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  if (sent.count < 0) sent.error = errno;
  return sent;
}

// What there is of it, in as many calls as that takes.
ssize_t ConnectionIo::send_pieces(const Output& output) {
  std::array<iovec, 64> vectors;
  msghdr message{};
  message.msg_iov = vectors.data();
  ssize_t all = 0;
  for (Output::Cursor at = output.begin(); (message.msg_iovlen = output.gather(at, vectors)) != 0;) {
    ssize_t asked = 0;
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) asked += static_cast<ssize_t>(vectors[i].iov_len);
    const ssize_t count = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) return all == 0 ? count : all;
    all += count;
    if (count < asked) break;
  }
  return all;
}

// A slow client's bytes would keep what was read from others, and threads write when that is gone already.
bool ConnectionIo::can_write_from(ByteView bytes) {
  return shares_ && !write_blocked_ && !edge_->parallel && edge_->read_buffer.keep(bytes);
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
  if (websocket_) websocket_->frame(out(), phase_ == Phase::flushing);
  Sent sent;
  if (unsent_bytes() > 0) {
    wrote_ = true;
    sent = send(output_);
  }
  finish_write(sent);
}

void ConnectionIo::finish_write(const Sent& sent) {
  if (sent.count < 0 && !would_block(sent.error)) {
    if (phase_ == Phase::flushing) return close_now();
    write_blocked_ = true;  // nothing more goes out; the sink hears of it from the loop
    output_.own_what_nobody_keeps();
    boost::asio::post(edge_->loop, [self = IoPtr(this)] { self->end_unwritable(); });
    return;
  }
  if (sent.count > 0) {
    output_.take(static_cast<std::size_t>(sent.count));
    edge_->open.count().bytes_sent += static_cast<std::uint64_t>(sent.count);
  }
  if (unsent_bytes() == 0) {
    all_written();
  } else {
    wait_writable();
  }
}

bool ConnectionIo::lend() {
  if (websocket_) websocket_->frame(out(), phase_ == Phase::flushing);
  if (output_.empty() || output_.begin().own > 0 || read_put_off_) return false;
  CHECK(lent_bytes_ == 0);
  if (!lent_) lent_ = std::make_unique<Output>();
  output_.swap(*lent_);
  lent_bytes_ = lent_->size();
  wrote_ = true;
  return true;
}

ConnectionIo::Sent ConnectionIo::send_lent() {
  return send(*lent_);
}

void ConnectionIo::finish_lent(const Sent& sent) {
  const std::size_t lent = std::exchange(lent_bytes_, 0);
  if (phase_ == Phase::closed) return;
  if (sent.count < 0 || static_cast<std::size_t>(sent.count) < lent) {
    output_.move_front(output_.size(), *lent_);
    output_.swap(*lent_);
    lent_->clear();
    return finish_write(sent);
  }
  edge_->open.count().bytes_sent += lent;
  if (websocket_) websocket_->removed_front(lent);
  lent_->clear();
  if (output_.empty()) output_.swap(*lent_);  // the memory is warm
  if (!write_queued_) all_written();
}

// The client is gone, but what it said before still counts: after a DISCONNECT its will does not fire.
void ConnectionIo::end_unwritable() {
  while (phase_ == Phase::open && !paused_) {
    const Received received = receive_alone();
    if (received.count <= 0) break;
    take_from_client(received.bytes);
  }
  end_with(CloseCause::peer_closed);
  close_now();
}

void ConnectionIo::wait_writable() {
  output_.own_what_nobody_keeps();
  const std::size_t removed = output_.compact();
  if (websocket_) websocket_->removed_front(removed);
  write_blocked_ = true;
  socket_.async_wait(boost::asio::posix::descriptor_base::wait_write,
                     [self = IoPtr(this)](const boost::system::error_code&) {
                       self->write_blocked_ = false;
                       self->write_now();
                     });
}

void ConnectionIo::all_written() {
  if (websocket_) websocket_->removed_front(output_.own().size());
  output_.clear();
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
  Output().swap(output_);
  lent_.reset();
  warm_ = false;
  return true;
}

}  // namespace tandem::edge
