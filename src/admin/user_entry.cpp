#include "admin/user_entry.hpp"

#include "admin/json_text.hpp"

namespace tandem::admin {

using json_detail::Json;
using json_detail::text_of;

std::string to_json(const std::vector<UserEntry>& users) {
  Json all = Json::array();
  for (const UserEntry& user : users) {
    all.push_back(Json{{"name", user.name},
                       {"password_hash", user.password_hash},
                       {"scram", user.scram},
                       {"client_ids", user.client_ids}});
  }
  return json_detail::line_of(all);
}

Result<std::vector<UserEntry>> users_from_json(std::string_view text) {
  const Json all = json_detail::parsed(text);
  if (!all.is_array()) return Error{"users are a JSON list"};
  std::vector<UserEntry> users;
  for (const Json& one : all) {
    if (!one.is_object()) return Error{"a user is a JSON object"};
    UserEntry& user = users.emplace_back();
    user.name = text_of(one, "name");
    user.password_hash = text_of(one, "password_hash");
    user.scram = text_of(one, "scram");
    const auto patterns = one.find("client_ids");
    if (patterns == one.end() || !patterns->is_array()) continue;
    for (const Json& pattern : *patterns) {
      if (!pattern.is_string()) return Error{"a pattern of client ids is a text"};
      user.client_ids.push_back(pattern.get<std::string>());
    }
  }
  return users;
}

}  // namespace tandem::admin
