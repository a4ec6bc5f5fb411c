// What happened to a node: role changes, link changes, alarms, each with its cause. One event is one line of JSON, in
// data_dir/events.log (docs/formats-store.md), on the control socket and with `tandemctl events --json`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::admin {

inline constexpr const char* events_file = "events.log";
inline constexpr const char* older_events_file = "events.log.1";
inline constexpr std::size_t events_file_bytes = 1 << 20;  // then the file becomes the older one
inline constexpr std::size_t events_at_most = 1'000;       // kept in memory and given at once

struct Event {
  std::uint64_t number = 0;  // grows by one with each event of this store, across restarts
  std::int64_t wall_ms = 0;  // the machine's clock, ms since 1970 UTC
  std::int64_t log_ms = 0;   // log time (docs/architecture.md); 0: not known yet
  std::string node;          // whose event it is
  std::uint64_t epoch = 0;   // its number
  std::string level;         // "info", "warning", "error"
  std::string kind;          // "role", "link", "digest", "store", "merge", "clock", "pair", "alarm", "node"
  std::string text;          // what happened and why
};

// One line without its end.
std::string to_line(const Event& event);
// Error: no event (torn by a crash, or of a later format).
Result<Event> event_from_line(std::string_view line);
// "2026-11-26 01:02:03.456 UTC  boxa  epoch 3  warning  text"
std::string to_text(const Event& event);

// The newest `count` lines that are events, older file first; what cannot be read is passed over.
std::vector<std::string> last_event_lines(const std::string& directory, std::size_t count);

// Which events a request wants ("how"): "last N" or "after NUMBER".
struct EventsWanted {
  std::size_t last = 50;
  bool by_number = false;
  std::uint64_t after = 0;
};
Result<EventsWanted> parse_wanted(std::string_view how);

}  // namespace tandem::admin
