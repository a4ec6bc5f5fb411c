#include "cli/config_differences.hpp"

#include <algorithm>

#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - text.size() + 2, ' ');
}

}  // namespace

int config_differences(const std::vector<std::string>& sockets, const std::string& command,
                       std::vector<admin::ConfigDifference>& differences) {
  if (!one_box(sockets, command)) return exit_usage;
  admin::Reply reply;
  if (const int code = ask_node(sockets.front(), {"config", "diff"}, reply); code != exit_good) return code;
  differences = admin::differences_from_lines(reply.data);
  if (differences.empty()) print("Both boxes are configured alike.\n");
  return exit_good;
}

std::string table_of(const std::vector<admin::ConfigDifference>& differences) {
  std::vector<admin::ConfigDifference> lines = {{"key", "here", "other box"}};
  lines.insert(lines.end(), differences.begin(), differences.end());
  std::size_t keys = 0;
  std::size_t values = 0;
  for (const admin::ConfigDifference& line : lines) {
    keys = std::max(keys, line.key.size());
    values = std::max(values, line.here.size());
  }
  std::string text;
  for (const admin::ConfigDifference& line : lines)
    text += padded(line.key, keys) + padded(line.here, values) + line.there + "\n";
  return text;
}

}  // namespace tandem::cli
