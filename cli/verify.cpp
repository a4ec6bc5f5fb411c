// tandemctl verify: has a standby compare itself with the active, and waits for what it finds.
#include <poll.h>

#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {
constexpr int verify_poll_ms = 200;
constexpr int verify_polls = 300;
}  // namespace

int run_verify(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "verify")) return exit_usage;
  admin::Reply reply;
  if (const int code = ask_node(sockets.front(), {"verify", "start"}, reply); code != exit_good) return code;
  for (int i = 0; i < verify_polls; ++i) {
    if (const int code = ask_node(sockets.front(), {"verify", "result"}, reply); code != exit_good) return code;
    if (!reply.message.empty()) {
      print(reply.message + "\n");
      return exit_good;
    }
    ::poll(nullptr, 0, verify_poll_ms);
  }
  complain("no result within a minute");
  return exit_failed;
}

}  // namespace tandem::cli
