// The HELLO handshake.
#include "mirror/stream.hpp"

#include <algorithm>

namespace tandem::mirror {

namespace {
constexpr std::size_t max_dead_boots = 16;
}

bool Stream::is_dead(std::uint64_t boot) const {
  return std::find(dead_.begin(), dead_.end(), boot) != dead_.end();
}

Stream::Change Stream::on_hello(StreamEnd from, StreamEnd echo) {
  if (from.boot == 0 || from.boot == own_.boot || is_dead(from.boot)) return Change::ignored;
  // Two lives may be heard in turns, by paths of which one stalls: each has its newest.
  for (const StreamEnd& newest : {latest_, peer_}) {
    if (from.boot == newest.boot && from.number < newest.number) return Change::ignored;
  }
  latest_ = from;
  if (up_ && from == peer_) return Change::none;
  heard_ = from;
  if (echo != own_) {
    const bool left = up_ && from.boot == peer_.boot;  // a newer number of the same life
    return left ? go_down() : Change::none;
  }
  if (up_ && from.boot != peer_.boot) return go_down();  // another process of that box
  const std::uint64_t earlier = peer_.boot;
  if (earlier != 0 && earlier != from.boot) {
    dead_.push_back(earlier);
    if (dead_.size() > max_dead_boots) dead_.pop_front();
  }
  peer_ = from;
  up_ = true;
  return Change::went_up;
}

// Frames of a dead life may come late, by a path that was stalled, and it may have heard the name that this end had: so
// with each stream that is over it takes a new one, which only the living can echo.
Stream::Change Stream::go_down() {
  up_ = false;
  ++own_.number;
  return Change::went_down;
}

void Stream::leave() {
  go_down();
  heard_ = {};  // a new handshake begins with hearing the peer anew
}

}  // namespace tandem::mirror
