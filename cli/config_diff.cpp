// tandemctl config diff: in what both boxes are configured differently.
#include "cli/command.hpp"
#include "cli/config_differences.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

int run_config_diff(const std::vector<std::string>& sockets) {
  std::vector<admin::ConfigDifference> differences;
  const int code = config_differences(sockets, "config diff", differences);
  if (code != exit_good || differences.empty()) return code;
  print(table_of(differences));
  return exit_bad;
}

}  // namespace tandem::cli
