// Asking, and telling what went wrong.
#include "cli/ask_node.hpp"

#include "admin/ask.hpp"
#include "base/limits.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

bool one_box(const std::vector<std::string>& sockets, const std::string& command) {
  if (sockets.size() == 1) return true;
  complain(command + " is about one box: give one --socket");
  return false;
}

int Problem::tell() const {
  if (code != exit_bad) return complain(NoAnswer{code == exit_not_there, text});
  complain(text);
  return code;
}

std::optional<Problem> try_ask(const std::string& socket, const admin::Request& request, admin::Reply& reply) {
  const admin::Answer answer = admin::ask(socket, admin::to_line(request), limits::control_timeout_ms);
  if (answer.outcome == admin::Answer::Outcome::not_there) return Problem{exit_not_there, answer.text};
  if (answer.outcome != admin::Answer::Outcome::answered) return Problem{exit_failed, answer.text};
  Result<admin::Reply> parsed = admin::parse_reply(answer.text);
  if (!parsed) return Problem{exit_failed, socket + ": " + parsed.error().message};
  reply = parsed.take();
  if (!reply.ok) return Problem{exit_bad, reply.error};
  return std::nullopt;
}

int ask_node(const std::string& socket, const admin::Request& request, admin::Reply& reply) {
  const std::optional<Problem> problem = try_ask(socket, request, reply);
  return problem ? problem->tell() : exit_good;
}

int order(const std::vector<std::string>& sockets, const admin::Request& request) {
  if (!one_box(sockets, request.command)) return exit_usage;
  admin::Reply reply;
  const int code = ask_node(sockets.front(), request, reply);
  if (code == exit_good) print((reply.message.empty() ? "Done." : reply.message) + "\n");
  return code;
}

}  // namespace tandem::cli
