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
    if (left) up_ = false;
    return left ? Change::went_down : Change::none;
  }
  // Another process of that box, while the stream is up. Frames of a dead one may come late (by a path that was
  // stalled), and both may have heard the present name of this end: so it takes a new name, which only the living one
  // can echo.
  if (up_ && from.boot != peer_.boot) {
    up_ = false;
    ++own_.number;
    return Change::went_down;
  }
  const std::uint64_t earlier = peer_.boot;
  if (earlier != 0 && earlier != from.boot) {
    dead_.push_back(earlier);
    if (dead_.size() > max_dead_boots) dead_.pop_front();
  }
  peer_ = from;
  up_ = true;
  return Change::went_up;
}

void Stream::leave() {
  up_ = false;
  heard_ = {};  // a new handshake begins with hearing the peer anew
  ++own_.number;
}

}  // namespace tandem::mirror
