// Users and access rules change: what an operator or a file that is followed says becomes records.
#include "broker/active.hpp"
#include "core/apply.hpp"

namespace tandem::broker {

namespace {

const Error other_box_too_old{
    "the other box runs a release that knows no users and no access rules: upgrade it first (docs/runbook.md)"};

core::UserSet to_record(const std::string& name, const core::User& user) {
  core::UserSet record{name, user.password_hash, user.scram, {}};
  record.client_ids.assign(user.client_ids.begin(), user.client_ids.end());
  return record;
}

bool same(const core::User& a, const core::User& b) {
  return a.password_hash == b.password_hash && a.scram == b.scram && a.client_ids == b.client_ids;
}

core::RulesSet to_record(const core::RuleSetName& name, const std::vector<core::Rule>& rules) {
  core::RulesSet record{name.owner, name.name, false, {}};
  for (const core::Rule& rule : rules) record.rules.push_back({rule.right, rule.filter});
  return record;
}

// A set in State has its denials in front.
bool same(const std::vector<core::Rule>& held, const std::vector<core::Rule>& wanted) {
  if (held.size() != wanted.size()) return false;
  auto next = held.begin();
  for (const bool denials : {true, false}) {
    for (const core::Rule& rule : wanted) {
      if ((rule.right == core::Right::none) == denials && !(rule == *next++)) return false;
    }
  }
  return true;
}

}  // namespace

void Active::record_access(const core::Record& record) {
  const Lsn lsn = record_if(true, record);
  core::Applying to = applying(lsn);
  core::apply(to, record);
}

// Nobody stays under a name that is no more. Their wills are due, as when a connection breaks.
void Active::end_connections_of(std::string_view username) {
  std::vector<ConnectionId> ending;
  for (const core::Session* session : state_->connected_sessions()) {
    if (session->username == username) ending.push_back(session->connection);
  }
  for (const ConnectionId id : ending) {
    if (edge::Connection* const connection = connections_->find(id)) {
      end_connection(*connection, mqtt::Reason::administrative_action);
    }
  }
}

Status Active::set_users(const std::map<std::string, core::User, std::less<>>& users) {
  if (policy_.common_level < 2) return other_box_too_old;
  std::size_t more = 0;
  for (const auto& [name, user] : users) {
    std::string wrong = core::wrong_with_user_name(name);
    if (wrong.empty()) wrong = core::wrong_with(user);
    if (!wrong.empty()) return Error{wrong};
    more += state_->access().user(name) == nullptr ? 1U : 0U;
  }
  if (state_->access().users().size() + more > limits::max_users) {
    return Error{"these would be more than " + std::to_string(limits::max_users) + " users"};
  }
  for (const auto& [name, user] : users) {
    const core::User* const present = state_->access().user(name);
    if (present == nullptr || !same(*present, user)) record_access(to_record(name, user));
  }
  return {};
}

Status Active::remove_user(std::string_view name) {
  if (policy_.common_level < 2) return other_box_too_old;
  if (state_->access().user(name) == nullptr) return Error{"there is no such user"};
  record_access(core::UserRemoved{name});
  end_connections_of(name);
  return {};
}

Status Active::follow_users(const std::map<std::string, std::string, std::less<>>& password_hashes) {
  std::map<std::string, core::User, std::less<>> users;
  for (const auto& [name, hash] : password_hashes) {
    core::User& user = users[name];
    if (const core::User* const present = state_->access().user(name)) user = *present;
    user.password_hash = hash;
  }
  if (Status set = set_users(users); !set.ok()) return set;
  std::vector<std::string> gone;
  for (const auto& [name, user] : state_->access().users()) {
    if (!users.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) static_cast<void>(remove_user(name));
  return {};
}

Status Active::set_rules(const std::optional<core::RuleSets>& rules) {
  if (policy_.common_level < 2) return other_box_too_old;
  if (rules && rules->size() > limits::max_rule_sets) {
    return Error{"these are rules for more than " + std::to_string(limits::max_rule_sets) + " users"};
  }
  std::vector<core::RuleSetName> gone;
  for (const auto& [name, set] : state_->access().sets()) {
    if (!rules || !rules->contains(name)) gone.push_back(name);
  }
  // What is to be allowed comes before what is no more: nobody falls into a gap.
  if (rules) {
    for (const auto& [name, wanted] : *rules) {
      const auto present = state_->access().sets().find(name);
      const bool known = present != state_->access().sets().end() && same(present->second.rules, wanted);
      if (!known) record_access(to_record(name, wanted));
    }
  }
  for (const core::RuleSetName& name : gone) record_access(core::RulesSet{name.owner, name.name, true, {}});
  return {};
}

}  // namespace tandem::broker
