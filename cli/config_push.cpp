// tandemctl config push: changes nothing. It says what to type on the other box, whose file only root over there may
// write: a tandemd that wrote it for the asking would be a way from one box into the other.
#include "admin/status.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/config_differences.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

// Nothing if this box does not say: the other one need not be known to be told what to type.
admin::NodeStatus other_box(const std::string& socket) {
  admin::Reply reply;
  if (try_ask(socket, {"status", ""}, reply)) return {};
  Result<admin::StatusReport> report = admin::status_from_json(reply.status_json);
  if (!report.ok() || !report.value().peer) return {};
  return *report.value().peer;
}

}  // namespace

int run_config_push(const std::vector<std::string>& sockets) {
  std::vector<ConfigDifference> differences;
  const int code = config_differences(sockets, "config push", differences);
  if (code != exit_good || differences.empty()) return code;
  const admin::NodeStatus other = other_box(sockets.front());
  const std::string name = other.name.empty() ? "the other box" : other.name;
  std::string text = table_of(differences) + "\nNothing was changed. A box's file is written on that box only: on " +
                     name + " type\n\n    sudo tandemctl config pull\n    tandemd --check-config\n";
  if (other.role == "active") text += "    tandemctl switchover\n";
  text += "    sudo systemctl restart tandemd\n\nThe restart " +
          std::string(other.role == "active" ? "comes after the switchover: a standby's disturbs nobody.\n"
                                             : "disturbs nobody while " + name + " is the standby.\n");
  print(text);
  return exit_bad;
}

}  // namespace tandem::cli
