// Users as tandemctl and tandemd tell each other of them: a JSON list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::admin {

struct UserEntry {
  std::string name;
  std::string password_hash;  // core::User; in a list of users only whether there is one: "yes"; "keep": as it is
  std::string scram;          // likewise
  std::vector<std::string> client_ids;
};

std::string to_json(const std::vector<UserEntry>& users);
// Error: it is no such list.
Result<std::vector<UserEntry>> users_from_json(std::string_view text);

}  // namespace tandem::admin
