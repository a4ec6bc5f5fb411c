#include "cli/config_differences.hpp"

#include <algorithm>
#include <string_view>

#include "cli/ask_node.hpp"
#include "cli/command.hpp"

namespace tandem::cli {

namespace {

std::string next_field(std::string_view& line) {
  const std::size_t end = std::min(line.find('\t'), line.size());
  const std::string field(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
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

}  // namespace tandem::cli
