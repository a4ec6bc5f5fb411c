#include "edge/password_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/limits.hpp"
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
  Result<PasswordHash> hash = parse_password_hash(trimmed(text.substr(0, text.find(':'))));
  if (!hash.ok()) return hash.error().message;
  const bool known = file.users.contains(name);
  file.users.insert_or_assign(std::string(name), hash.take());
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
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    // An empty file is read in full, too, and sets the output's failbit.
    if (in.is_open() && in.peek() == std::ifstream::traits_type::eof()) return PasswordFile{};
    return Error{"the password file " + path + " cannot be read: " + std::strerror(errno) +
                 "; it must be readable for the user tandem"};
  }
  const std::string bytes = std::move(text).str();
  if (bytes.size() > limits::max_password_file_bytes) {
    return Error{"the password file " + path + " has " + std::to_string(bytes.size()) + " bytes; at most " +
                 std::to_string(limits::max_password_file_bytes) + " are read"};
  }
  return parse_password_file(bytes);
}

}  // namespace tandem::edge
