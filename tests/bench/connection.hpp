// A non-blocking MQTT connection of the load generator: many packets a read, one write a turn.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "tests/bench/frames.hpp"

namespace tandem::bench {

// Shared by all connections: bytes are parsed where recv() put them; only a cut-off packet is copied aside.
struct ReadBuffer {
  static constexpr size_t size = 1 << 20;
  std::vector<char> bytes = std::vector<char>(size);
};

class Connection {
 public:
  enum class State { open, closed };

  explicit Connection(int fd, std::string_view unread) : fd_(fd), partial_(unread.begin(), unread.end()) {}
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }

  // Room for `size` bytes at the end of what is to be written; they count as written there at once.
  char* room(size_t size) {
    if (out_end_ + size > out_.size()) grow(size);
    char* at = out_.data() + out_end_;
    out_end_ += size;
    return at;
  }
  bool has_output() const { return out_begin_ < out_end_; }

  // Writes what is there, once. Afterwards has_output() tells whether the socket took it all.
  State flush() {
    ssize_t sent = ::send(fd_, out_.data() + out_begin_, out_end_ - out_begin_, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? State::open : State::closed;
    out_begin_ += static_cast<size_t>(sent);
    if (out_begin_ == out_end_) out_begin_ = out_end_ = 0;
    return State::open;
  }

  // Reads until the socket is empty and calls on_packet(first byte, body, body length) for each packet.
  // before_packets() is called after each read, before its packets.
  template <class BeforePackets, class OnPacket>
  State read(ReadBuffer& buffer, BeforePackets&& before_packets, OnPacket&& on_packet) {
    for (;;) {
      size_t kept = partial_.size();
      if (kept > 0) std::memcpy(buffer.bytes.data(), partial_.data(), kept);
      if (kept == ReadBuffer::size) return State::closed;  // one packet larger than any that we asked for
      size_t space = ReadBuffer::size - kept;
      ssize_t got = ::recv(fd_, buffer.bytes.data() + kept, space, 0);
      if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR) ? State::open : State::closed;
      before_packets();
      if (!parse(buffer.bytes.data(), kept + static_cast<size_t>(got), on_packet)) return State::closed;
      if (static_cast<size_t>(got) < space) return State::open;
    }
  }

  // Parses bytes that came along with the CONNACK, before this object existed.
  template <class OnPacket>
  bool parse_unread(OnPacket&& on_packet) {
    std::vector<char> unread = std::exchange(partial_, {});
    return parse(unread.data(), unread.size(), on_packet);
  }

  bool awaits_room = false;  // registered for EPOLLOUT
  bool queued = false;       // in the list of connections to flush

 private:
  template <class OnPacket>
  bool parse(const char* from, size_t size, OnPacket&& on_packet) {
    size_t at = 0;
    while (at < size) {
      size_t header = 0;
      int64_t whole = packet_size(from + at, size - at, header);
      if (whole < 0) return false;
      if (whole == 0 || at + static_cast<size_t>(whole) > size) break;
      on_packet(static_cast<uint8_t>(from[at]), from + at + header, static_cast<size_t>(whole) - header);
      at += static_cast<size_t>(whole);
    }
    partial_.assign(from + at, from + size);
    return true;
  }

  void grow(size_t size) {
    if (out_begin_ > 0) {
      std::memmove(out_.data(), out_.data() + out_begin_, out_end_ - out_begin_);
      out_end_ -= out_begin_;
      out_begin_ = 0;
    }
    if (out_end_ + size > out_.size()) out_.resize((out_end_ + size) * 2);
  }

  int fd_;
  std::vector<char> partial_;  // the start of a packet whose rest has not come
  std::vector<char> out_;
  size_t out_begin_ = 0;
  size_t out_end_ = 0;
};

}  // namespace tandem::bench
