// tandemctl events: what happened to a box, from tandemd or, when that is down, from its data directory. Of several
// boxes in one list.
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include "admin/events.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

constexpr int follow_ms = 500;
volatile std::sig_atomic_t stop_asked = 0;

struct Shown {
  admin::Event event;
  std::string line;
};

// One box: where its events come from, and how far they have been shown.
class Source {
 public:
  Source(std::string socket, std::string directory, std::size_t count)
      : socket_(std::move(socket)), directory_(std::move(directory)), count_(count) {}

  // What came since the last call, in the order in which it happened; the exit code. That a box does not answer is told
  // once, until it does again.
  int take(std::vector<Shown>& out) {
    std::vector<std::string> lines;
    if (!directory_.empty()) {
      lines = admin::last_event_lines(directory_, count_);
    } else {
      admin::Reply reply;
      const std::string how = begun_ ? "after " + std::to_string(newest_) : "last " + std::to_string(count_);
      const std::optional<Problem> problem = try_ask(socket_, {"events", how}, reply);
      if (problem) return std::exchange(silent_, true) ? problem->code : problem->tell();
      lines = std::move(reply.events);
    }
    silent_ = false;
    begun_ = true;
    count_ = admin::events_at_most;
    for (std::string& line : lines) {
      Result<admin::Event> event = admin::event_from_line(line);
      if (!event.ok() || event.value().number <= newest_) continue;
      newest_ = event.value().number;
      out.push_back({event.take(), std::move(line)});
    }
    return exit_good;
  }

 private:
  std::string socket_;
  std::string directory_;  // empty: ask at the socket
  std::size_t count_;
  std::uint64_t newest_ = 0;
  bool begun_ = false;
  bool silent_ = false;
};

// By the machines' clocks; the events of one box keep their order, whatever its clock did.
std::vector<Shown> merged(std::vector<std::vector<Shown>> boxes) {
  std::vector<std::size_t> next(boxes.size());
  std::vector<Shown> all;
  for (;;) {
    std::size_t first = boxes.size();
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      if (next[i] == boxes[i].size()) continue;
      if (first == boxes.size() || boxes[i][next[i]].event.wall_ms < boxes[first][next[first]].event.wall_ms) first = i;
    }
    if (first == boxes.size()) return all;
    all.push_back(std::move(boxes[first][next[first]++]));
  }
}

// exit_good if any box has answered, else what the last said.
int show_new(std::vector<Source>& sources, std::size_t at_most, bool json) {
  std::vector<std::vector<Shown>> boxes(sources.size());
  bool answered = false;
  int code = exit_good;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const int one = sources[i].take(boxes[i]);
    answered = answered || one == exit_good;
    if (one != exit_good) code = one;
  }
  const std::vector<Shown> all = merged(std::move(boxes));
  std::string text;
  for (std::size_t i = all.size() - std::min(all.size(), at_most); i < all.size(); ++i)
    text += (json ? all[i].line : admin::to_text(all[i].event)) + "\n";
  if (!text.empty()) print(text);
  return answered ? exit_good : code;
}

}  // namespace

int run_events(const std::vector<std::string>& sockets, const EventsArguments& arguments) {
  std::vector<Source> sources;
  if (!arguments.directory.empty()) {
    sources.emplace_back("", arguments.directory, arguments.count);
  } else {
    for (const std::string& socket : sockets) sources.emplace_back(socket, "", arguments.count);
  }
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::size_t at_most = arguments.count;
  for (;;) {
    const int code = show_new(sources, at_most, arguments.json);
    if (!arguments.follow || stop_asked != 0 || std::ferror(stdout) != 0) return code;
    at_most = sources.size() * admin::events_at_most;
    ::poll(nullptr, 0, follow_ms);
    if (stop_asked != 0) return exit_good;
  }
}

}  // namespace tandem::cli
