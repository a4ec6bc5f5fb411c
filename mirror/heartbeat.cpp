// Silence, paths, guard and word.
#include "mirror/heartbeat.hpp"

#include <algorithm>
#include <tuple>

#include "base/limits.hpp"

namespace tandem::mirror {

namespace {

unsigned ticks_of(std::int64_t ms, std::int64_t heartbeat_ms) {
  return static_cast<unsigned>((ms + heartbeat_ms - 1) / heartbeat_ms);
}

int class_of(const Rank& rank) {
  if (rank.unwilling) return 0;
  if (rank.empty) return 1;
  return rank.stale ? 2 : 3;
}

}  // namespace

bool ranks_higher(const Rank& a, const Rank& b) {
  const auto left = std::make_tuple(class_of(a), a.epoch, a.lsn);
  const auto right = std::make_tuple(class_of(b), b.epoch, b.lsn);
  if (left != right) return left > right;
  return a.name < b.name;
}

Heartbeat::Heartbeat(const PairOptions& options, Steady now)
    : by_heartbeat_(options.heartbeat_arbiter),
      heartbeat_ms_(options.heartbeat_ms),
      after_ticks_(ticks_of(options.after_ms, options.heartbeat_ms)),
      down_ticks_(std::max(3U, ticks_of(limits::path_down_ms, options.heartbeat_ms))),
      paths_(options.paths, down_ticks_),
      last_turn_(now),
      last_tick_(now) {}

bool Heartbeat::on_turn(Steady now) {
  const bool gap = now.ms - last_turn_.ms > limits::resume_guard_ms;
  last_turn_ = now;
  if (!gap) return false;
  guard_ticks_ = after_ticks_;
  ticks_since_heard_ = 0;
  return true;
}

void Heartbeat::on_tick(Steady now) {
  if (now.ms - last_tick_.ms < heartbeat_ms_ / 2) return;
  last_tick_ = now;
  if (guard_ticks_ > 0) --guard_ticks_;
  if (ticks_since_heard_ < after_ticks_) ++ticks_since_heard_;
  for (unsigned& ticks : paths_) ticks = std::min(ticks + 1, down_ticks_);
}

void Heartbeat::heard(std::size_t path) {
  ticks_since_heard_ = 0;
  if (path < paths_.size()) paths_[path] = 0;
}

bool Heartbeat::any_path_up() const {
  return std::any_of(paths_.begin(), paths_.end(), [this](unsigned ticks) { return ticks < down_ticks_; });
}

std::uint8_t Heartbeat::heard_paths() const {
  std::uint8_t mask = 0;
  for (std::size_t i = 0; i < paths_.size() && i < 8; ++i) {
    if (path_up(i)) mask = static_cast<std::uint8_t>(mask | (1U << i));
  }
  return mask;
}

Word Heartbeat::word(const Rank& self, const Rank* peer) const {
  if (guarded()) return Word::backup;
  if (!by_heartbeat_) return told_;
  if (silent()) return Word::master;  // (a)
  if (peer == nullptr) return Word::backup;
  if (!peer->active) return self.active || ranks_higher(self, *peer) ? Word::master : Word::backup;  // (b)
  return self.active && self.epoch > peer->epoch ? Word::master : Word::backup;                      // (c)
}

}  // namespace tandem::mirror
