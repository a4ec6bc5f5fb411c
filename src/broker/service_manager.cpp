#include "broker/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>

namespace tandem::broker {

namespace {

// A failure is of no use to anybody: whoever listens will do what it does without the word.
void notify(const std::string& word) {
  static_cast<void>(::sd_notify(0, word.c_str()));
}

}  // namespace

ServiceManager::ServiceManager() {
  constexpr std::int64_t us_per_ms = 1'000;
  std::uint64_t patience_us = 0;
  if (::sd_watchdog_enabled(0, &patience_us) <= 0) return;
  feed_every_ms_ = std::max<std::int64_t>(1, static_cast<std::int64_t>(patience_us) / us_per_ms / 4);
}

void ServiceManager::ready() {
  notify("READY=1");
}

void ServiceManager::stopping() {
  notify("STOPPING=1");
}

void ServiceManager::alive(Steady now) {
  if (feed_every_ms_ == 0 || (fed_at_ && now.ms - fed_at_->ms < feed_every_ms_)) return;
  fed_at_ = now;
  notify("WATCHDOG=1");
}

void ServiceManager::status(std::string_view sentence) {
  if (sentence == status_) return;
  status_ = sentence;
  notify("STATUS=" + status_);
}

}  // namespace tandem::broker
