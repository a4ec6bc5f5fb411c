#include "broker/login_throttle.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace tandem::broker {

namespace {
constexpr std::int64_t most_ms = limits::wrong_logins_at_once * 1000;
}

bool LoginThrottle::may_try(const IpAddress& address, Steady now) {
  const auto found = failures_.find(host_key(address));
  return found == failures_.end() || found->second.forgiven_at_ms - now.ms <= most_ms - 1000;
}

void LoginThrottle::failed(const IpAddress& address, Steady now) {
  if (failures_.size() >= limits::addresses_with_wrong_logins) make_room(now);
  Failures& of = failures_[host_key(address)];
  of.forgiven_at_ms = std::min(std::max(of.forgiven_at_ms, now.ms) + 1000, now.ms + most_ms);
}

// Those that are forgiven go; if none is, all: whoever has so many addresses is not stopped by one of them.
void LoginThrottle::make_room(Steady now) {
  std::erase_if(failures_, [&](const auto& entry) { return entry.second.forgiven_at_ms <= now.ms; });
  if (failures_.size() >= limits::addresses_with_wrong_logins) failures_.clear();
}

}  // namespace tandem::broker
