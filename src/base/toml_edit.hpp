// Setting keys in a TOML file without touching the rest of it: comments and order stay.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem {

// "limits.max_sessions", or "listener 2.port" for the second [[listener]].
struct TomlPlace {
  std::string table;
  int number = 0;  // of an array of tables, from 1; 0: a plain table
  std::string key;
};
TomlPlace toml_place(std::string_view name);

// `value` is TOML text in one line. A table that is not there is made at the end. Whatever `place` and `value` are
// (they may come from another box), no other key is set. Error: the place cannot be set (that many [[tables]] are not
// there, it is no name); the text is no TOML, before or after.
Result<std::string> set_toml_key(std::string_view text, const TomlPlace& place, const std::string& value);

}  // namespace tandem
