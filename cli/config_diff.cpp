// tandemctl config diff: in what both boxes are configured differently.
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/config_differences.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

int run_config_diff(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "config diff")) return exit_usage;
  std::vector<ConfigDifference> differences;
  if (const int code = config_differences(sockets.front(), differences); code != exit_good) return code;
  if (differences.empty()) {
    print("Both boxes are configured alike.\n");
    return exit_good;
  }
  print(table_of(differences));
  return exit_bad;
}

}  // namespace tandem::cli
