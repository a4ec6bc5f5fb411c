// What the heartbeats say: which paths work, whether the peer is silent, whether this node was paused (A0), and from
// that the word MASTER or BACKUP. Silence is counted in own ticks, so that our own pause is never taken for the peer's
// silence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "mirror/pair.hpp"

namespace tandem::mirror {

// One node as the arbiter compares it.
struct Rank {
  bool active = false;
  bool unwilling = false;  // stops, hands over, or is in maintenance
  bool empty = false;
  bool stale = false;
  Epoch epoch;
  Lsn lsn;
  std::string_view name;
};

// Is `a` the better one to become active? Not unwilling, not EMPTY, not STALE, epoch, lsn, lower name: in this order.
bool ranks_higher(const Rank& a, const Rank& b);

class Heartbeat {
 public:
  Heartbeat(const PairOptions& options, Steady now);

  // Start of a turn. True if the last one is longer ago than the resume guard (A0): the guard is now on.
  bool on_turn(Steady now);
  // An own tick. Ticks that follow each other faster than half the interval (made up after a pause) do not count.
  void on_tick(Steady now);
  void heard(std::size_t path);
  void on_word(Word word) { told_ = word; }

  bool silent() const { return ticks_since_heard_ >= after_ticks_; }
  bool guarded() const { return guard_ticks_ > 0; }
  bool path_up(std::size_t path) const { return path < paths_.size() && paths_[path] < down_ticks_; }
  bool any_path_up() const;
  std::uint8_t heard_paths() const;

  // The word of the arbiter in force. `peer` is null while it has not been heard since the start.
  Word word(const Rank& self, const Rank* peer) const;

 private:
  bool by_heartbeat_;
  std::int64_t heartbeat_ms_;
  unsigned after_ticks_;
  unsigned down_ticks_;
  std::vector<unsigned> paths_;  // own ticks since the path was heard
  unsigned ticks_since_heard_ = 0;
  unsigned guard_ticks_ = 0;  // A0: own ticks still to come
  Steady last_turn_;
  Steady last_tick_;
  Word told_ = Word::backup;  // arbiter keepalived
};

}  // namespace tandem::mirror
