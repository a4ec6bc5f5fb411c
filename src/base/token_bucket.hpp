// How often something may happen: so many a second on average, and at most as many at once. Full at first.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/ids.hpp"

namespace tandem {

class TokenBucket {
 public:
  TokenBucket() : TokenBucket(0) {}
  // 0: no limit.
  explicit TokenBucket(std::uint32_t per_s) : per_s_(per_s), thousandths_(per_s * one) {}

  bool limited() const { return per_s_ != 0; }
  // A token is there by `now`, which never goes back.
  bool ready(Steady now) {
    refill(now);
    return !limited() || thousandths_ >= one;
  }
  // Takes one, even if none is there: then it is owed.
  void take(Steady now) {
    refill(now);
    if (limited()) thousandths_ -= one;
  }

 private:
  static constexpr std::int64_t one = 1'000;  // a token; `per_s` of these come each millisecond

  void refill(Steady now) {
    if (limited()) thousandths_ = std::min(per_s_ * one, thousandths_ + (now.ms - at_.ms) * per_s_);
    at_ = now;
  }

  std::int64_t per_s_;
  std::int64_t thousandths_;
  Steady at_;
};

}  // namespace tandem
