// tandemctl promote: an operator makes this box the active one where the pair will not do so by itself.
#include <unistd.h>

#include "admin/ask.hpp"
#include "admin/protocol.hpp"
#include "admin/status.hpp"
#include "base/limits.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

// Shows where the boxes stand, so that the person knows what may be missing.
bool agreed(const std::string& socket) {
  const admin::Answer answer = admin::ask(socket, admin::to_line({"status", ""}), limits::control_timeout_ms);
  if (answer.outcome == admin::Answer::Outcome::answered) {
    const Result<admin::Reply> reply = admin::parse_reply(answer.text);
    if (reply && reply.value().ok) {
      if (const auto report = admin::status_from_json(reply.value().status_json)) {
        print(admin::to_text(report.value(), wants_colour()) + "\n");
      }
    }
  }
  return confirmed(
      "This box may lack messages that only the other box has acknowledged. If the other box still serves, "
      "both will.");
}

}  // namespace

int run_promote(const std::vector<std::string>& sockets, const PromoteArguments& arguments) {
  if (!one_box(sockets, "promote")) return exit_usage;
  const std::string& socket = sockets.front();
  if (arguments.force && !arguments.yes && is_terminal(STDIN_FILENO) && !agreed(socket)) {
    complain("nothing was done");
    return exit_bad;
  }
  return order(sockets, {"promote", arguments.force ? "force" : "first"});
}

}  // namespace tandem::cli
