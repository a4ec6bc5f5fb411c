#include "edge/password_file.hpp"

#include "base/limits.hpp"
#include "base/text_file.hpp"
#include "mqtt/utf8.hpp"

namespace tandem::edge {

namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// What is wrong with the line; empty: nothing.
std::string take_line(std::string_view line, PasswordFile& file) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "there is no colon behind the user's name";
  const std::string_view name = trimmed(line.substr(0, colon));
  if (name.empty() || name.size() > 65'535 || !mqtt::valid_utf8(name)) return "the user's name is empty or no text";
  std::string_view text = line.substr(colon + 1);
  text = trimmed(text.substr(0, text.find(':')));
  if (const Result<PasswordHash> hash = parse_password_hash(text); !hash.ok()) return hash.error().message;
  const bool known = file.users.contains(name);
  file.users.insert_or_assign(std::string(name), std::string(text));
  return known ? "that user was there before: this line holds" : "";
}

}  // namespace

PasswordFile parse_password_file(std::string_view text) {
  PasswordFile file;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (trimmed(line).empty() || line.front() == '#') continue;
    const std::string problem = take_line(line, file);
    if (!problem.empty() && file.problems.size() < limits::told_file_problems) {
      file.problems.push_back("line " + std::to_string(number) + ": " + problem);
    }
  }
  return file;
}

Result<PasswordFile> read_password_file(const std::string& path) {
  const Result<std::string> text = read_text_file("the password file", path, limits::max_password_file_bytes);
  if (!text.ok()) return text.error();
  return parse_password_file(text.value());
}

}  // namespace tandem::edge
