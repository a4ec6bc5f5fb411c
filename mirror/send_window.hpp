// Numbered frames on their way to the peer: each is sent again until it is received, and kept until it is worked off.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"

namespace tandem::mirror {

class SendWindow {
 public:
  // Number of the frame that is added next: 1, 2, ...
  std::uint64_t next_number() const { return next_number_; }
  void add(ByteBuffer body) {
    bytes_ += body.size();
    frames_.push_back({next_number_++, std::move(body), std::nullopt});
  }
  // Cumulative. How many frames have left.
  std::size_t on_ack(std::uint64_t received, std::uint64_t worked_off) {
    received_ = std::max(received_, received);
    std::size_t left = 0;
    for (; !frames_.empty() && frames_.front().number <= worked_off; ++left) {
      bytes_ -= frames_.front().body.size();
      frames_.pop_front();
    }
    return left;
  }
  // Bodies that are due to be sent, or sent again.
  std::vector<const ByteBuffer*> take_sendable(Steady now) {
    std::vector<const ByteBuffer*> bodies;
    for (Frame& frame : frames_) {
      if (frame.number <= received_) continue;
      if (frame.sent && now.ms - frame.sent->ms < limits::path_resend_ms) continue;
      frame.sent = now;
      bodies.push_back(&frame.body);
    }
    return bodies;
  }

  bool empty() const { return frames_.empty(); }
  std::size_t bytes() const { return bytes_; }  // not worked off
  // Small frames are bounded too: each look at the window passes all of them.
  bool has_room(std::size_t most_bytes) const { return bytes_ < most_bytes && frames_.size() < limits::window_frames; }

 private:
  struct Frame {
    std::uint64_t number;
    ByteBuffer body;
    std::optional<Steady> sent;
  };
  std::deque<Frame> frames_;  // ascending
  std::uint64_t next_number_ = 1;
  std::uint64_t received_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tandem::mirror
