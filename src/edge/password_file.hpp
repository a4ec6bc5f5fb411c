// A file of users and their passwords' hashes, as Mosquitto reads it: "name:hash" a line, '#' begins a comment.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "edge/password_hash.hpp"

namespace tandem::edge {

struct PasswordFile {
  std::map<std::string, std::string, std::less<>> users;  // their hashes as text, each found to be right
  std::vector<std::string> problems;  // of lines that count for nothing: "line 3: ..."; without hashes or passwords
};

PasswordFile parse_password_file(std::string_view text);
// Error: it cannot be read.
Result<PasswordFile> read_password_file(const std::string& path);

}  // namespace tandem::edge
