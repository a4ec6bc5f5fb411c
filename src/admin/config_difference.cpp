#include "admin/config_difference.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "base/replace_file.hpp"
#include "base/toml_edit.hpp"

namespace tandem::admin {

namespace {

constexpr mode_t permission_bits = 0777;

std::string_view cut(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return head;
}

}  // namespace

std::string to_lines(const std::vector<ConfigDifference>& differences) {
  std::string lines;
  for (const ConfigDifference& one : differences)
    lines += printable(one.key) + "\t" + printable(one.here) + "\t" + printable(one.there) + "\n";
  return lines;
}

std::vector<ConfigDifference> differences_from_lines(std::string_view lines) {
  std::vector<ConfigDifference> differences;
  while (!lines.empty()) {
    std::string_view line = cut(lines, '\n');
    ConfigDifference& one = differences.emplace_back();
    one.key = cut(line, '\t');
    one.here = cut(line, '\t');
    one.there = cut(line, '\t');
  }
  return differences;
}

TakenOver take_over(std::string text, const std::vector<ConfigDifference>& differences) {
  TakenOver taken;
  for (const ConfigDifference& one : differences) {
    Result<std::string> made = one.there == "-" ? Result<std::string>(Error{"the other box does not know it"})
                                                : set_toml_key(text, toml_place(one.key), one.there);
    if (made.ok()) {
      text = made.take();
      taken.written.push_back(one.key + " = " + one.there);
    } else {
      taken.left.push_back({one.key, made.error().message});
    }
  }
  taken.text = std::move(text);
  return taken;
}

Status replace_keeping_before(const std::string& file, const FileText& before, std::string_view text) {
  const mode_t mode = before.mode & permission_bits;
  Status kept = replace_file(file + ".before", before.text, mode, Sync::yes);
  return kept.ok() ? replace_file(file, text, mode, Sync::yes) : kept;
}

}  // namespace tandem::admin
