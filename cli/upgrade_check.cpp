// tandemctl upgrade-check: may the tandemd of this box be restarted now without an outage? For whoever upgrades, and
// for the package, which restarts tandemd only on a yes.
#include <string>

#include "admin/protocol.hpp"
#include "admin/status.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

struct Verdict {
  bool yes = false;
  std::string why;  // one sentence, and what to do first
};

bool serves(const admin::NodeStatus& node) {
  return node.role == "active";
}

Verdict judge_active(const admin::StatusReport& report) {
  const std::string& self = report.self.name;
  const admin::NodeStatus& peer = *report.peer;
  if (peer.reachable && serves(peer)) {
    return {false, self + " and " + peer.name + " both say that they serve. First: tandemctl status"};
  }
  const std::string steps = "tandemctl switchover, then systemctl restart tandemd";
  if (report.is_protected) return {false, self + " is active and serves the clients. First: " + steps};
  const std::string other = peer.name.empty() ? "the other box" : peer.name;
  return {false, self + " is active, and " + other + " cannot take over now: " + report.why +
                     " Once `tandemctl status` says PROTECTED: " + steps};
}

// A standby is needed as soon as nobody is known to serve; then a restart would be the outage.
Verdict judge_standby(const admin::StatusReport& report) {
  const std::string& self = report.self.name;
  const admin::NodeStatus& peer = *report.peer;
  if (peer.reachable && serves(peer)) return {true, self + " is the standby, and " + peer.name + " serves"};
  const std::string other = peer.name.empty() ? "the other box" : peer.name;
  return {false, self + " is the standby, but " + other +
                     " is not known to serve: this box may have to take over. First: tandemctl status"};
}

Verdict judge(const admin::StatusReport& report) {
  if (!report.peer) {
    return {true, report.self.name + " is a single broker: nobody else could serve, its clients wait for the restart"};
  }
  if (serves(report.self)) return judge_active(report);
  if (report.self.role == "standby") return judge_standby(report);
  return {false, report.self.name + " is about to take over. Ask again in a few seconds"};
}

}  // namespace

int run_upgrade_check(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "upgrade-check")) return exit_usage;
  admin::Reply reply;
  if (const int code = ask_node(sockets.front(), {"status", ""}, reply); code != exit_good) {
    return code == exit_bad ? exit_failed : code;  // a refused status says nothing about a restart
  }
  const Result<admin::StatusReport> report = admin::status_from_json(reply.status_json);
  if (!report) {
    complain(sockets.front() + ": " + report.error().message);
    return exit_failed;
  }
  const Verdict verdict = judge(report.value());
  print((verdict.yes ? "Yes: " : "No: ") + verdict.why + ".\n");
  return verdict.yes ? exit_good : exit_bad;
}

}  // namespace tandem::cli
