// tandemctl switchover and maintenance: planned work. A switchover is ordered, then watched until the other box serves
// or somebody says why not.
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <optional>

#include "admin/protocol.hpp"
#include "admin/status.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr int look_again_ms = 10;
constexpr std::int64_t patience_ms = 5'000;  // draining and moving have their own times in tandemd, together 2.5 s

std::optional<admin::StatusReport> look(const std::string& socket) {
  admin::Reply reply;
  if (try_ask(socket, {"status", ""}, reply)) return std::nullopt;
  Result<admin::StatusReport> report = admin::status_from_json(reply.status_json);
  if (!report) return std::nullopt;
  return report.take();
}

bool is_active(const admin::NodeStatus& node) {
  return node.role == "active";
}

// The box that is to serve serves, and the other one has let go.
bool done(const admin::StatusReport& report, bool ordered_at_active) {
  if (!report.peer || !report.peer->reachable) return false;
  const admin::NodeStatus& to = ordered_at_active ? *report.peer : report.self;
  const admin::NodeStatus& from = ordered_at_active ? report.self : *report.peer;
  return is_active(to) && !is_active(from);
}

std::string why_not(const std::optional<admin::StatusReport>& report, const SwitchoverArguments& arguments) {
  if (!report) return "tandemd does not answer any more; look at both boxes: tandemctl status";
  if (!report->switchover.empty() && report->switchover != "under way") return report->switchover;
  if (arguments.force)
    return "not finished yet: the other box fetches what it lacks. Watch it: tandemctl status --watch";
  return "it has not come about; see tandemctl events on both boxes";
}

int watch(const std::string& socket, const std::string& to, bool ordered_at_active,
          const SwitchoverArguments& arguments) {
  const auto begun = SteadyClock::now();
  const auto ms = [begun] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begun).count();
  };
  std::optional<admin::StatusReport> report;
  while (ms() < patience_ms) {
    report = look(socket);
    if (report && done(*report, ordered_at_active)) {
      print(to + " serves now, after " + std::to_string(ms()) + " ms (epoch " +
            std::to_string((ordered_at_active ? *report->peer : report->self).epoch) + ").\n");
      return exit_good;
    }
    const bool ended = report && ordered_at_active && is_active(report->self) && report->switchover != "under way";
    if (ended) break;
    ::poll(nullptr, 0, look_again_ms);
  }
  complain("switchover: " + why_not(report, arguments));
  return exit_bad;
}

}  // namespace

int run_switchover(const std::vector<std::string>& sockets, const SwitchoverArguments& arguments) {
  if (!one_box(sockets, "switchover")) return exit_usage;
  const std::string& socket = sockets.front();
  admin::Reply reply;
  if (const int code = ask_node(socket, {"status", ""}, reply); code != exit_good) return code;
  const Result<admin::StatusReport> before = admin::status_from_json(reply.status_json);
  if (!before) {
    complain(socket + ": " + before.error().message);
    return exit_failed;
  }
  const bool at_active = is_active(before.value().self);
  const std::string to = at_active && before.value().peer ? before.value().peer->name : before.value().self.name;
  if (arguments.force && !arguments.yes && is_terminal(STDIN_FILENO) &&
      !confirmed("Nothing acknowledged is lost, but if " + to +
                 " is not in sync nobody is served until it has fetched what it lacks.")) {
    complain("nothing was done");
    return exit_bad;
  }
  const int code = ask_node(socket, {"switchover", arguments.force ? "force" : ""}, reply);
  return code == exit_good ? watch(socket, to, at_active, arguments) : code;
}

int run_maintenance(const std::vector<std::string>& sockets, bool on) {
  return order(sockets, {"maintenance", on ? "on" : "off"});
}

}  // namespace tandem::cli
