// tandemctl reconcile: merges what only this box acknowledged, or tells what that would bring.
#include "cli/ask_node.hpp"
#include "cli/command.hpp"

namespace tandem::cli {

int run_reconcile(const std::vector<std::string>& sockets, bool dry_run) {
  return order(sockets, {"reconcile", dry_run ? "dry-run" : ""});
}

}  // namespace tandem::cli
