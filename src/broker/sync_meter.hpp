// How fast a standby is loading, from percent and bytes as they grow: what status shows as bytes per second and as time
// to go.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ids.hpp"

namespace tandem::broker {

class SyncMeter {
 public:
  // `percent` < 0: nothing is loading. A value that went back is another loading.
  void see(double percent, std::uint64_t bytes, Steady now) {
    if (percent < 0) {
      begun_.reset();
      return;
    }
    if (!begun_ || percent < percent_ || bytes < bytes_) {
      begun_ = now;
      first_percent_ = percent;
      first_bytes_ = bytes;
    }
    percent_ = percent;
    bytes_ = bytes;
    seen_ = now;
  }
  std::optional<std::uint64_t> bytes_per_s() const {
    if (elapsed_ms() <= 0) return std::nullopt;
    return (bytes_ - first_bytes_) * 1000 / static_cast<std::uint64_t>(elapsed_ms());
  }
  std::optional<std::uint64_t> eta_s() const {
    if (elapsed_ms() <= 0 || percent_ <= first_percent_) return std::nullopt;
    const double per_ms = (percent_ - first_percent_) / static_cast<double>(elapsed_ms());
    return static_cast<std::uint64_t>((100.0 - percent_) / per_ms / 1000.0) + 1;
  }

 private:
  std::int64_t elapsed_ms() const { return begun_ ? seen_.ms - begun_->ms : 0; }

  std::optional<Steady> begun_;
  Steady seen_;
  double percent_ = 0;
  double first_percent_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t first_bytes_ = 0;
};

}  // namespace tandem::broker
