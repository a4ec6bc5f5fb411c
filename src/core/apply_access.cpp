// Users and access rules change.
#include "core/apply.hpp"

namespace tandem::core {

void apply(Applying& to, const UserSet& record) {
  User user;
  user.password_hash = record.password_hash;
  user.scram = record.scram;
  user.client_ids.assign(record.client_ids.begin(), record.client_ids.end());
  to.state.set_user(record.name, std::move(user));
}

void apply(Applying& to, const UserRemoved& record) {
  to.state.remove_user(record.name);
}

void apply(Applying& to, const RulesSet& record) {
  const RuleSetName name{record.owner, std::string(record.name)};
  if (record.removed) {
    to.state.remove_rules(name);
    return;
  }
  std::vector<Rule> rules;
  rules.reserve(record.rules.size());
  for (const RuleFact& rule : record.rules) rules.push_back({rule.right, std::string(rule.filter)});
  to.state.set_rules(name, std::move(rules));
}

}  // namespace tandem::core
