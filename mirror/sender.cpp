// Memory tail and window.
#include "mirror/sender.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace tandem::mirror {

namespace {
constexpr std::int64_t resend_most_ms = 8 * limits::path_resend_ms;
constexpr std::int64_t gap_resend_ms = 10;  // at most one answer to gap reports in this time
constexpr std::size_t head_bytes = 256 * limits::kib;
}  // namespace

void Sender::reset(Lsn log_last) {
  tail_.clear();
  tail_bytes_ = 0;
  last_ = log_last;
  stop();
}

void Sender::push(const Batch& batch, Steady now) {
  CHECK(batch.first == last_.next() && batch.count > 0);
  last_ = batch.last();
  tail_.push_back({batch, now, {}});
  const std::size_t bytes = cost(tail_.back());
  tail_bytes_ += bytes;
  if (following_) unconfirmed_bytes_ += bytes;
  if (!following_) first_unconfirmed_ = next_ = tail_.size();
  trim();
}

void Sender::on_durable(Lsn durable) {
  durable_ = durable;
  trim();
}

void Sender::trim() {
  std::size_t drop = 0;
  while (drop < tail_.size() && tail_bytes_ > tail_bytes_kept && tail_[drop].batch.last() <= durable_) {
    if (following_ && drop >= first_unconfirmed_) break;
    tail_bytes_ -= cost(tail_[drop]);
    ++drop;
  }
  if (drop == 0) return;
  tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(drop));
  first_unconfirmed_ -= drop;
  next_ -= drop;
}

bool Sender::covers(Lsn after) const {
  if (after == last_) return true;
  if (after > last_) return false;
  const std::size_t at = index_behind(after);
  return at < tail_.size() && tail_[at].batch.first == after.next();
}

std::size_t Sender::index_behind(Lsn lsn) const {
  const auto found =
      std::partition_point(tail_.begin(), tail_.end(), [lsn](const Entry& entry) { return entry.batch.first <= lsn; });
  return static_cast<std::size_t>(found - tail_.begin());
}

void Sender::start(Lsn after) {
  CHECK(covers(after));
  following_ = live_ = true;
  confirmed_ = after;
  first_unconfirmed_ = next_ = index_behind(after);
  unconfirmed_bytes_ = in_flight_bytes_ = 0;
  for (std::size_t i = first_unconfirmed_; i < tail_.size(); ++i) unconfirmed_bytes_ += cost(tail_[i]);
  resend_after_ms_ = limits::path_resend_ms;
}

void Sender::stop() {
  following_ = live_ = false;
  first_unconfirmed_ = next_ = tail_.size();
  unconfirmed_bytes_ = in_flight_bytes_ = 0;
  confirmed_ = Lsn{};
}

void Sender::take_sendable(Steady now, std::vector<Batch>& out) {
  if (!live_) return;
  while (next_ < tail_.size() && in_flight_bytes_ < limits::in_flight_bytes) {
    tail_[next_].sent = now;
    in_flight_bytes_ += cost(tail_[next_]);
    out.push_back(tail_[next_].batch);
    ++next_;
  }
}

void Sender::on_confirm(Lsn memory, bool gap, Steady now) {
  if (!following_) return;
  bool progress = false;
  while (first_unconfirmed_ < tail_.size() && tail_[first_unconfirmed_].batch.last() <= memory) {
    const std::size_t bytes = cost(tail_[first_unconfirmed_]);
    unconfirmed_bytes_ -= bytes;
    if (first_unconfirmed_ < next_) in_flight_bytes_ -= bytes;
    confirmed_ = tail_[first_unconfirmed_].batch.last();
    ++first_unconfirmed_;
    progress = true;
  }
  next_ = std::max(next_, first_unconfirmed_);
  if (progress) {
    resend_after_ms_ = limits::path_resend_ms;
    trim();
  }
  if (gap && now.ms - last_gap_resend_.ms >= gap_resend_ms) {
    last_gap_resend_ = now;
    next_ = first_unconfirmed_;
    in_flight_bytes_ = 0;
  }
}

bool Sender::resend_due(Steady now, bool other_path, std::vector<Batch>& head) {
  if (!live_ || first_unconfirmed_ >= next_) return false;
  if (now.ms - tail_[first_unconfirmed_].sent.ms < resend_after_ms_) return false;
  resend_after_ms_ = std::min(resend_after_ms_ * 2, resend_most_ms);
  if (other_path) {
    next_ = first_unconfirmed_;
    in_flight_bytes_ = 0;
    return true;
  }
  std::size_t bytes = 0;
  for (std::size_t i = first_unconfirmed_; i < next_ && bytes < head_bytes; ++i) {
    tail_[i].sent = now;
    bytes += cost(tail_[i]);
    head.push_back(tail_[i].batch);
  }
  return true;
}

std::int64_t Sender::oldest_wait_ms(Steady now) const {
  if (!following_ || first_unconfirmed_ >= tail_.size()) return 0;
  return now.ms - tail_[first_unconfirmed_].added.ms;
}

}  // namespace tandem::mirror
