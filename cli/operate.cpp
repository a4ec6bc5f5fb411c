// tandemctl resync, verify, reconcile: what a person may order beside promote.
#include <poll.h>

#include "admin/ask.hpp"
#include "admin/protocol.hpp"
#include "base/limits.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

constexpr int verify_poll_ms = 200;
constexpr int verify_polls = 300;

// exit_good, and `message` is what the node says; otherwise the problem has been told.
int order(const std::string& socket, const admin::Request& request, std::string& message) {
  const admin::Answer answer = admin::ask(socket, admin::to_line(request), limits::control_timeout_ms);
  if (answer.outcome != admin::Answer::Outcome::answered) {
    return complain(NoAnswer{answer.outcome == admin::Answer::Outcome::not_there, answer.text});
  }
  const Result<admin::Reply> reply = admin::parse_reply(answer.text);
  if (!reply) return complain(NoAnswer{false, socket + ": " + reply.error().message});
  if (!reply.value().ok) {
    complain(reply.value().error);
    return exit_bad;
  }
  message = reply.value().message;
  return exit_good;
}

bool one_box(const std::vector<std::string>& sockets, const char* command) {
  if (sockets.size() == 1) return true;
  complain(std::string(command) + " is about one box: give one --socket");
  return false;
}

int order_and_print(const std::string& socket, const admin::Request& request) {
  std::string message;
  const int code = order(socket, request, message);
  if (code == exit_good) print(message + "\n");
  return code;
}

}  // namespace

int run_resync(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "resync")) return exit_usage;
  return order_and_print(sockets.front(), {"resync", ""});
}

int run_reconcile(const std::vector<std::string>& sockets, bool dry_run) {
  if (!one_box(sockets, "reconcile")) return exit_usage;
  return order_and_print(sockets.front(), {"reconcile", dry_run ? "dry-run" : ""});
}

int run_verify(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "verify")) return exit_usage;
  std::string message;
  if (const int code = order(sockets.front(), {"verify", "start"}, message); code != exit_good) return code;
  for (int i = 0; i < verify_polls; ++i) {
    if (const int code = order(sockets.front(), {"verify", "result"}, message); code != exit_good) return code;
    if (!message.empty()) {
      print(message + "\n");
      return exit_good;
    }
    ::poll(nullptr, 0, verify_poll_ms);
  }
  complain("no result within a minute");
  return exit_failed;
}

}  // namespace tandem::cli
