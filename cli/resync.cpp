// tandemctl resync: a standby sets its copy aside and fetches it all again.
#include "cli/ask_node.hpp"
#include "cli/command.hpp"

namespace tandem::cli {

int run_resync(const std::vector<std::string>& sockets) {
  return order(sockets, {"resync", ""});
}

}  // namespace tandem::cli
