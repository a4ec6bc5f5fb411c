// systemd, or whoever else listens at NOTIFY_SOCKET (sd_notify(3)): told when tandemd is ready, what it does, and that
// its core loop still turns. Without one nothing happens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace tandem::broker {

class ServiceManager {
 public:
  ServiceManager();  // reads WATCHDOG_USEC: how long the silence may be

  void ready();     // State is loaded, the loop begins; from here on the watchdog counts
  void stopping();  // in order
  // From the core loop only, as often as it likes: a loop that hangs is ended and started again.
  void alive(Steady now);
  void status(std::string_view sentence);  // one line of `systemctl status tandemd`; sent when it changes

 private:
  std::int64_t feed_every_ms_ = 0;  // a quarter of the watchdog's patience; 0: no watchdog
  std::optional<Steady> fed_at_;
  std::string status_;
};

}  // namespace tandem::broker
