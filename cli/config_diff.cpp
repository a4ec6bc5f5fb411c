// tandemctl config diff: in what both boxes are configured differently.
#include <algorithm>

#include "cli/command.hpp"
#include "cli/config_differences.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - text.size() + 2, ' ');
}

}  // namespace

int run_config_diff(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "config diff")) return exit_usage;
  std::vector<ConfigDifference> lines = {{"key", "here", "other box"}};
  if (const int code = config_differences(sockets.front(), lines); code != exit_good) return code;
  if (lines.size() == 1) {
    print("Both boxes are configured alike.\n");
    return exit_good;
  }
  std::size_t keys = 0;
  std::size_t values = 0;
  for (const ConfigDifference& line : lines) {
    keys = std::max(keys, line.key.size());
    values = std::max(values, line.here.size());
  }
  for (const ConfigDifference& line : lines) {
    print(padded(line.key, keys) + padded(line.here, values) + line.there + "\n");
  }
  return exit_bad;
}

}  // namespace tandem::cli
