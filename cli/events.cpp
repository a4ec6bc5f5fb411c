// tandemctl events: what happened to a box, from tandemd or, when that is down, from its data directory.
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "admin/events.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

constexpr int follow_ms = 500;
volatile std::sig_atomic_t stop_asked = 0;

void show(const std::vector<std::string>& lines, bool json, std::uint64_t& newest) {
  std::string text;
  for (const std::string& line : lines) {
    const Result<admin::Event> event = admin::event_from_line(line);
    if (!event.ok() || event.value().number <= newest) continue;
    newest = event.value().number;
    text += (json ? line : admin::to_text(event.value())) + "\n";
  }
  if (!text.empty()) print(text);
}

}  // namespace

int run_events(const std::vector<std::string>& sockets, const EventsArguments& arguments) {
  const bool from_files = !arguments.directory.empty();
  if (!one_box(sockets, "events")) return exit_usage;
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::uint64_t newest = 0;
  std::string how = "last " + std::to_string(arguments.count);
  std::size_t count = arguments.count;
  for (;;) {
    std::vector<std::string> lines;
    int code = exit_good;
    if (from_files) {
      lines = admin::last_event_lines(arguments.directory, count);
    } else {
      admin::Reply reply;
      code = ask_node(sockets.front(), {"events", how}, reply);
      lines = std::move(reply.events);
    }
    if (code != exit_good && !arguments.follow) return code;
    show(lines, arguments.json, newest);
    if (!arguments.follow || stop_asked != 0 || std::ferror(stdout) != 0) return code;
    how = "after " + std::to_string(newest);
    count = admin::events_at_most;
    ::poll(nullptr, 0, follow_ms);
    if (stop_asked != 0) return exit_good;
  }
}

}  // namespace tandem::cli
