// tandemctl config diff: in what both boxes are configured differently.
#include <algorithm>
#include <string_view>

#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/config_differences.hpp"
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

int config_differences(const std::string& socket, std::vector<ConfigDifference>& differences) {
  admin::Reply reply;
  if (const int code = ask_node(socket, {"config", "diff"}, reply); code != exit_good) return code;
  for (std::string_view rest = reply.data; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ConfigDifference& one = differences.emplace_back();
    one.key = next_field(line);
    one.here = next_field(line);
    one.there = next_field(line);
  }
  return exit_good;
}

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
