// The files that are followed (security.password_file, security.acl_file): read at the start and at a reload. What they
// say becomes records while this box is the active one (Node::follow).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "broker/config.hpp"
#include "core/acl_text.hpp"

namespace tandem::broker {

struct FollowedFiles {
  std::optional<std::map<std::string, std::string, std::less<>>> password_hashes;  // by user; nothing: not followed
  std::optional<core::RuleSets> rules;
};

// `tell` is given a sentence for each file: what was read. Error: a file cannot be read, or rules are wrong: a rule
// less may open a door. A line of the password file that is wrong only keeps its user out.
Result<FollowedFiles> read_followed_files(const SecurityConfig& config,
                                          const std::function<void(const std::string&)>& tell);

}  // namespace tandem::broker
