#include "cli/config_differences.hpp"

#include <algorithm>
#include <string_view>

#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

std::string next_field(std::string_view& line) {
  const std::size_t end = std::min(line.find('\t'), line.size());
  const std::string field(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - text.size() + 2, ' ');
}

}  // namespace

int config_differences(const std::vector<std::string>& sockets, const std::string& command,
                       std::vector<ConfigDifference>& differences) {
  if (!one_box(sockets, command)) return exit_usage;
  admin::Reply reply;
  if (const int code = ask_node(sockets.front(), {"config", "diff"}, reply); code != exit_good) return code;
  for (std::string_view rest = reply.data; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ConfigDifference& one = differences.emplace_back();
    one.key = next_field(line);
    one.here = next_field(line);
    one.there = next_field(line);
  }
  if (differences.empty()) print("Both boxes are configured alike.\n");
  return exit_good;
}

std::string table_of(const std::vector<ConfigDifference>& differences) {
  std::vector<ConfigDifference> lines = {{"key", "here", "other box"}};
  lines.insert(lines.end(), differences.begin(), differences.end());
  std::size_t keys = 0;
  std::size_t values = 0;
  for (const ConfigDifference& line : lines) {
    keys = std::max(keys, line.key.size());
    values = std::max(values, line.here.size());
  }
  std::string text;
  for (const ConfigDifference& line : lines)
    text += padded(line.key, keys) + padded(line.here, values) + line.there + "\n";
  return text;
}

}  // namespace tandem::cli
