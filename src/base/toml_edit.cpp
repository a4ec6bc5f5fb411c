#include "base/toml_edit.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <sstream>
#include <vector>

#include "base/toml.hpp"

namespace tandem {

namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view{}
                                         : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// What a line does to the brackets that are open, and where its comment begins. Strings of several lines are not
// looked into: a file that has them is refused by the check at the end, if at all.
struct Line {
  std::string_view text;
  int depth_before = 0;
  std::size_t comment = std::string_view::npos;
};

int read_line(Line& line) {
  int depth = line.depth_before;
  char quote = 0;
  for (std::size_t i = 0; i < line.text.size(); ++i) {
    const char c = line.text[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"')
        ++i;
      else if (c == quote)
        quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      line.comment = i;
      return depth;
    } else if (c == '[') {
      ++depth;
    } else if (c == ']') {
      --depth;
    }
  }
  return depth;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  int depth = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    Line line{text.substr(0, end), depth};
    depth = read_line(line);
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view content(const Line& line) {
  return trimmed(line.text.substr(0, line.comment));
}

bool is_header(const Line& line) {
  return line.depth_before == 0 && content(line).starts_with('[');
}

// The line of the table's header.
std::optional<std::size_t> find_table(const std::vector<Line>& lines, const TomlPlace& place) {
  const std::string header = place.number == 0 ? "[" + place.table + "]" : "[[" + place.table + "]]";
  int left = place.number == 0 ? 1 : place.number;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (is_header(lines[i]) && content(lines[i]) == header && --left == 0) return i;
  }
  return std::nullopt;
}

bool is_key(const Line& line, const std::string& key) {
  const std::string_view text = content(line);
  const std::size_t equals = text.find('=');
  return line.depth_before == 0 && equals != std::string_view::npos && trimmed(text.substr(0, equals)) == key;
}

bool is_toml(const std::string& text) {
  try {
    static_cast<void>(toml::parse(text));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

// A name that needs no quotes; and text that stays in its line.
bool is_bare_key(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

bool is_one_line(std::string_view value) {
  if (value.find("\"\"\"") != value.npos || value.find("'''") != value.npos) return false;  // begins several lines
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return c < ' ' && c != '\t'; });
}

std::string join(const std::vector<Line>& lines, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += std::string(lines[i].text) + "\n";
  return text;
}

}  // namespace

TomlPlace toml_place(std::string_view name) {
  TomlPlace place;
  const std::size_t dot = name.find('.');
  std::string_view table = name.substr(0, dot);
  place.key = dot == std::string_view::npos ? "" : std::string(name.substr(dot + 1));
  const std::size_t space = table.find(' ');
  if (space != std::string_view::npos) {
    std::from_chars(table.data() + space + 1, table.data() + table.size(), place.number);
    table = table.substr(0, space);
  }
  place.table = std::string(table);
  return place;
}

Result<std::string> set_toml_key(std::string_view text, const TomlPlace& place, const std::string& value) {
  if (!is_bare_key(place.table) || !is_bare_key(place.key)) return Error{"that is no name of a key"};
  if (!is_one_line(value)) return Error{"the value is not one line"};
  const std::vector<Line> lines = lines_of(text);
  const std::optional<std::size_t> table = find_table(lines, place);
  if (!table && place.number != 0) {
    return Error{"there is no [[" + place.table + "]] number " + std::to_string(place.number) + " in this file"};
  }
  const std::string setting = place.key + " = " + value;
  if (!table) {
    const std::string made = join(lines, 0, lines.size()) + "\n[" + place.table + "]\n" + setting + "\n";
    return is_toml(made) ? Result<std::string>(made) : Error{"the file is not understood"};
  }
  std::size_t at = *table + 1;
  while (at < lines.size() && !is_header(lines[at]) && !is_key(lines[at], place.key)) ++at;
  const bool found = at < lines.size() && !is_header(lines[at]);
  if (!found) at = *table + 1;
  std::size_t behind = found ? at + 1 : at;
  while (found && behind < lines.size() && lines[behind].depth_before > 0) ++behind;  // a list of several lines
  const bool comment = found && behind == at + 1 && lines[at].comment != std::string_view::npos;
  const std::string tail = comment ? "  " + std::string(lines[at].text.substr(lines[at].comment)) : "";
  const std::string made = join(lines, 0, at) + setting + tail + "\n" + join(lines, behind, lines.size());
  return is_toml(made) ? Result<std::string>(made) : Error{"the file is not understood"};
}

}  // namespace tandem
