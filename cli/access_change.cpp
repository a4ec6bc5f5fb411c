#include "cli/access_change.hpp"

#include <poll.h>

#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {
constexpr int look_again_ms = 20;
constexpr int looks = 250;  // 5 s
}  // namespace

int change_access(const std::string& socket, const admin::Request& request) {
  admin::Reply reply;
  if (const int code = ask_node(socket, request, reply); code != exit_good) return code;
  const std::string done = reply.message;
  const std::string lsn = std::to_string(reply.lsn);
  for (int i = 0; i < looks; ++i) {
    if (const int code = ask_node(socket, {"confirmed", lsn}, reply); code != exit_good) return code;
    if (!reply.message.empty()) {
      print(done + ". " + reply.message + "\n");
      return exit_good;
    }
    ::poll(nullptr, 0, look_again_ms);
  }
  complain(done +
           ", but within 5 s nobody has confirmed that it is kept: look at tandemctl status, then order it again");
  return exit_failed;
}

}  // namespace tandem::cli
