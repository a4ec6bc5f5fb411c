// Watches the sequence numbers of one publisher at one subscriber (or group): what is lost, doubled, out of
// order.
#pragma once

#include <cstdint>
#include <unordered_set>

namespace tandem::bench {

class Sequence {
 public:
  // Takes the next number, counted from 0. Returns by how many numbers the front moved: 1, or more if some
  // were jumped over (lost, unless they come late), or 0 for a late or doubled one.
  uint64_t take(uint64_t number) {
    if (number == next_) [[likely]] {
      ++next_;
      return 1;
    }
    return take_unexpected(number);
  }

  uint64_t next() const { return next_; }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t reordered() const { return reordered_; }
  // Numbers below `sent` that never came.
  uint64_t lost(uint64_t sent) const { return skipped_ + (sent > next_ ? sent - next_ : 0); }

 private:
  static constexpr size_t remembered_max = 100'000;  // skipped numbers that may still come late

  uint64_t take_unexpected(uint64_t number) {
    if (number < next_) {
      if (missing_.erase(number) == 1) {
        ++reordered_;
        --skipped_;
      } else {
        ++duplicates_;
      }
      return 0;
    }
    uint64_t gap = number - next_;
    for (uint64_t i = next_; i < number && missing_.size() < remembered_max; ++i) missing_.insert(i);
    skipped_ += gap;
    next_ = number + 1;
    return gap + 1;
  }

  uint64_t next_ = 0;
  uint64_t skipped_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t reordered_ = 0;
  std::unordered_set<uint64_t> missing_;
};

}  // namespace tandem::bench
