// tandemctl reload: tandemd reads its files of passwords and certificates again; clients that are connected stay.
#include "cli/ask_node.hpp"
#include "cli/command.hpp"

namespace tandem::cli {

int run_reload(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "reload")) return exit_usage;
  return order(sockets, {"reload", ""});
}

}  // namespace tandem::cli
