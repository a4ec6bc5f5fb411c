// tandemctl config push: the other box's file takes over what this box runs with, if its own operator allowed that
// there (mirror.accept_config). If not, nothing is changed, and it is said what to type there.
#include <poll.h>

#include "admin/status.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/config_differences.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

constexpr int push_poll_ms = 100;
constexpr int push_polls = 200;  // tandemd itself waits 10 s

// Nothing if this box does not say: the other one need not be known to be told what to type.
admin::NodeStatus other_box(const std::string& socket) {
  admin::Reply reply;
  if (try_ask(socket, {"status", ""}, reply)) return {};
  Result<admin::StatusReport> report = admin::status_from_json(reply.status_json);
  if (!report.ok() || !report.value().peer) return {};
  return *report.value().peer;
}

// What came of it; an Error: the other box refused, or did not answer.
Result<std::string> pushed(const std::string& socket) {
  admin::Reply reply;
  if (std::optional<Problem> problem = try_ask(socket, {"config", "push"}, reply)) return Error{problem->text};
  for (int i = 0; i < push_polls; ++i) {
    if (std::optional<Problem> problem = try_ask(socket, {"config", "pushed"}, reply)) return Error{problem->text};
    if (!reply.message.empty()) return reply.message;
    ::poll(nullptr, 0, push_poll_ms);
  }
  return Error{"no answer within 20 s"};
}

std::string restart_there(const admin::NodeStatus& other, const std::string& name) {
  std::string text = "    tandemd --check-config\n";
  if (other.role == "active") text += "    tandemctl switchover\n";
  return text + "    sudo systemctl restart tandemd\n\nThe restart " +
         (other.role == "active" ? "comes after the switchover: a standby's disturbs nobody.\n"
                                 : "disturbs nobody while " + name + " is the standby.\n");
}

}  // namespace

int run_config_push(const std::vector<std::string>& sockets) {
  std::vector<admin::ConfigDifference> differences;
  const int code = config_differences(sockets, "config push", differences);
  if (code != exit_good || differences.empty()) return code;
  print(table_of(differences) + "\n");
  const Result<std::string> done = pushed(sockets.front());
  const admin::NodeStatus other = other_box(sockets.front());
  const std::string name = other.name.empty() ? "the other box" : other.name;
  if (done.ok()) {
    print("On " + name + " " + done.value() + "\nIt holds there from the next start: on " + name + " type\n\n" +
          restart_there(other, name));
    return exit_good;
  }
  complain(done.error().message);
  print("On " + name + " type\n\n    sudo tandemctl config pull\n" + restart_there(other, name));
  return exit_bad;
}

}  // namespace tandem::cli
