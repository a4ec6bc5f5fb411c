// Line by line.
#include "cli/takeover_keys.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tandem::cli {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// The texts in quotes, up to a comment.
std::vector<std::string> quoted(std::string_view value) {
  std::vector<std::string> texts;
  while (true) {
    const std::size_t begin = value.find_first_of("\"'#");
    if (begin == std::string_view::npos || value[begin] == '#') return texts;
    const std::size_t end = value.find(value[begin], begin + 1);
    if (end == std::string_view::npos) return texts;
    texts.emplace_back(value.substr(begin + 1, end - begin - 1));
    value.remove_prefix(end + 1);
  }
}

}  // namespace

TakeoverKeys takeover_keys(std::string_view toml) {
  TakeoverKeys keys;
  bool inside = false;
  while (!toml.empty()) {
    const std::size_t end = toml.find('\n');
    const std::string_view line = trim(toml.substr(0, end));
    toml.remove_prefix(end == std::string_view::npos ? toml.size() : end + 1);
    if (!line.empty() && line.front() == '[') {
      inside = trim(line.substr(0, line.find('#'))) == "[takeover]";
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!inside || line.empty() || line.front() == '#' || equals == std::string_view::npos) continue;
    std::vector<std::string> texts = quoted(line.substr(equals + 1));
    if (!texts.empty()) keys.emplace(trim(line.substr(0, equals)), std::move(texts));
  }
  return keys;
}

Result<TakeoverKeys> read_takeover_keys(const std::string& path) {
  const std::ifstream file(path);
  if (!file) return Error{path + " cannot be read (" + std::strerror(errno) + ")"};
  std::ostringstream text;
  text << file.rdbuf();
  return takeover_keys(text.str());
}

}  // namespace tandem::cli
