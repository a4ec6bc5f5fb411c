// Users and access rules as entities of State.
#include <algorithm>
#include <utility>

#include "core/state.hpp"

namespace tandem::core {

namespace {

std::vector<Rule> denials_first(std::vector<Rule> rules) {
  std::stable_partition(rules.begin(), rules.end(), [](const Rule& rule) { return rule.right == Right::none; });
  return rules;
}

}  // namespace

void State::access_changed() {
  if (++access_.changes_ == 0) access_.changes_ = 1;
  routing_.forget();
}

void State::touch_user(const std::string& name, User& user) {
  if (note_change(user.mark, [&] { pending_copies_.user(name, user); })) changes_.users.push_back(name);
}

void State::touch_rule_set(const RuleSetName& name, RuleSet& set) {
  if (note_change(set.mark, [&] { pending_copies_.rule_set(name, set); })) changes_.rule_sets.push_back(name);
}

void State::set_user(std::string_view name, User user) {
  remove_user(name);
  const auto placed = access_.users_.insert_or_assign(std::string(name), std::move(user)).first;
  placed->second.mark = {};
  touch_user(placed->first, placed->second);
  digest_.add(Table::access, user_key(name), hash_of(placed->first, placed->second));
  access_changed();
}

void State::remove_user(std::string_view name) {
  const auto found = access_.users_.find(name);
  if (found == access_.users_.end()) return;
  touch_user(found->first, found->second);
  digest_.remove(Table::access, user_key(name), hash_of(found->first, found->second));
  access_.users_.erase(found);
  access_changed();
}

void State::set_rules(const RuleSetName& name, std::vector<Rule> rules) {
  remove_rules(name);
  RuleSet& set = access_.sets_[name];
  set.rules = denials_first(std::move(rules));
  touch_rule_set(name, set);
  digest_.add(Table::access, rule_set_key(name), hash_of(name, set));
  access_changed();
}

void State::remove_rules(const RuleSetName& name) {
  const auto found = access_.sets_.find(name);
  if (found == access_.sets_.end()) return;
  touch_rule_set(name, found->second);
  digest_.remove(Table::access, rule_set_key(name), hash_of(name, found->second));
  access_.sets_.erase(found);
  access_changed();
}

User* State::user_to_encode(const std::string& name) {
  const auto found = access_.users_.find(name);
  return found == access_.users_.end() ? nullptr : &found->second;
}

RuleSet* State::rule_set_to_encode(const RuleSetName& name) {
  const auto found = access_.sets_.find(name);
  return found == access_.sets_.end() ? nullptr : &found->second;
}

void State::load_user(const std::string& name, User user) {
  const User& placed = access_.users_[name] = std::move(user);
  digest_.add(Table::access, user_key(name), hash_of(name, placed));
  access_changed();
}

void State::load_rule_set(const RuleSetName& name, RuleSet set) {
  RuleSet& placed = access_.sets_[name] = std::move(set);
  digest_.add(Table::access, rule_set_key(name), hash_of(name, placed));
  access_changed();
}

}  // namespace tandem::core
