// Users and access rules: the part of State that says who may connect, publish and read. Rules mean what they mean in
// Mosquitto's ACL files (docs/security.md): a client's own rules first, then those for everyone; within each a rule
// that denies comes before those that allow; what nobody allows is refused. Without any set of rules everything is
// allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/change_mark.hpp"

namespace tandem::core {

// Bits. DO NOT CHANGE: on disk and on the wire (docs/formats.md).
enum class Right : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

struct Rule {
  Right right = Right::none;  // none: what matches is denied
  std::string filter;         // of everyone's: a level %c is the client id, %u the user name
  friend bool operator==(const Rule&, const Rule&) = default;
};

// Whose rules. DO NOT CHANGE OR REUSE A NUMBER.
enum class RuleOwner : std::uint8_t { anonymous = 1, user = 2, everyone = 3 };

struct RuleSetName {
  RuleOwner owner = RuleOwner::everyone;
  std::string name;  // of the user; else empty
  friend auto operator<=>(const RuleSetName&, const RuleSetName&) = default;
};

struct RuleSet {
  std::vector<Rule> rules;  // those that deny first, else as they were given
  ChangeMark mark;
};

struct User {
  std::string password_hash;            // as in Mosquitto's password files; empty: no password lets in
  std::string scram;                    // "SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY"; empty: not by SCRAM
  std::vector<std::string> client_ids;  // the user's clients: exact, or with '*' for any characters; empty: any
  ChangeMark mark;
};

// Who asks.
struct Asker {
  std::string_view username;  // empty: anonymous
  std::string_view client_id;
};

class AccessRules {
 public:
  const std::map<std::string, User, std::less<>>& users() const { return users_; }
  const std::map<RuleSetName, RuleSet>& sets() const { return sets_; }
  const User* user(std::string_view name) const;
  bool in_force() const { return !sets_.empty(); }
  // Grows whenever an answer may have changed; never 0.
  std::uint32_t changes() const { return changes_; }

  // `wanted`: read or write; `filter`: a topic, or a filter without its $share prefix. False for a filter: nothing that
  // it matches may be read (or written), ever.
  bool may(Right wanted, const Asker& asker, std::string_view filter) const;
  // False: the user is known and has other clients.
  bool may_use(std::string_view username, std::string_view client_id) const;

 private:
  friend class State;  // the only one that changes it
  std::map<std::string, User, std::less<>> users_;
  std::map<RuleSetName, RuleSet> sets_;
  std::uint32_t changes_ = 1;
};

// What State may take in. Error: what is wrong with it, for an operator.
std::string wrong_with_user_name(std::string_view name);  // empty: nothing
std::string wrong_with(const User& user);
std::string wrong_with(const Rule& rule, RuleOwner owner);
// A set is one row: at most so many bytes, each rule with rule_overhead_bytes.
inline constexpr std::size_t max_rule_set_bytes = 60'000;
inline constexpr std::size_t rule_overhead_bytes = 4;
inline constexpr std::size_t max_user_name_bytes = 256;
std::size_t size_of(const std::vector<Rule>& rules);

}  // namespace tandem::core
