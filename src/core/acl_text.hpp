// Access rules as text: what Mosquitto's acl_file holds (docs/security.md). "topic [read|write|readwrite|deny] FILTER"
// under "user NAME", or before the first of them for clients without a user name; "pattern ..." for everyone.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/access_rules.hpp"

namespace tandem::core {

using RuleSets = std::map<RuleSetName, std::vector<Rule>>;

struct AclText {
  RuleSets sets;                      // everyone's is among them, even if it is empty
  std::vector<std::string> problems;  // "line 3: ..."; then nothing of it counts: a rule less may open a door
};

AclText parse_acl(std::string_view text);
std::string to_acl_text(const std::map<RuleSetName, RuleSet>& sets);

}  // namespace tandem::core
