// In what both boxes are configured differently: as tandemd tells tandemctl, and as a file's text takes it over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/text_file.hpp"

namespace tandem::admin {

struct ConfigDifference {
  std::string key;    // "limits.max_sessions", "listener 2.port"
  std::string here;   // TOML; "-": not known there
  std::string there;  // likewise
};

// For admin::reply_data: a line each, whatever the other box says: a key or a value is one field, and printable.
std::string to_lines(const std::vector<ConfigDifference>& differences);
std::vector<ConfigDifference> differences_from_lines(std::string_view lines);

struct TakenOver {
  struct Left {
    std::string key;
    std::string why;
  };
  std::string text;                  // of the file
  std::vector<std::string> written;  // "KEY = VALUE"
  std::vector<Left> left;            // what stays as it is
};
// `text` with the values that are there; comments and order stay.
TakenOver take_over(std::string text, const std::vector<ConfigDifference>& differences);

// Replaces `file`, of which `before` was read, and keeps the old one as FILE.before; the mode stays. Error: the reason
// alone.
Status replace_keeping_before(const std::string& file, const FileText& before, std::string_view text);

}  // namespace tandem::admin
