// What is wrong at present and needs a person, since when. Each is an event when it begins and when it ends.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "broker/clocks.hpp"
#include "broker/parts.hpp"

namespace tandem::broker {

class Alarms {
 public:
  struct Alarm {
    std::string text;
    Instant since;  // wall clock
  };

  Alarms(Events& events, const Clocks& clocks) : events_(events), clocks_(clocks) {}

  // `kind`: one word, the alarm's name in status (admin::alarm_kinds).
  void raise(const std::string& kind, std::string text) {
    const auto [alarm, fresh] = all_.try_emplace(kind, Alarm{text, clocks_.wall()});
    alarm->second.text = std::move(text);
    if (fresh) events_.event(Level::error, "alarm", "Alarm (" + kind + "): " + alarm->second.text);
  }
  void clear(const std::string& kind, std::string_view why) {
    if (all_.erase(kind) == 0) return;
    events_.event(Level::info, "alarm", "The alarm (" + kind + ") is over: " + std::string(why));
  }
  bool has(const std::string& kind) const { return all_.count(kind) != 0; }
  const std::map<std::string, Alarm>& all() const { return all_; }

 private:
  Events& events_;
  const Clocks& clocks_;
  std::map<std::string, Alarm> all_;
};

}  // namespace tandem::broker
