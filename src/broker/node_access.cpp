// Users and access rules, as an operator orders them (tandemctl user, tandemctl acl), or as files say that are
// followed.
#include <charconv>

#include "admin/protocol.hpp"
#include "admin/user_entry.hpp"
#include "broker/node.hpp"
#include "edge/password_hash.hpp"
#include "mqtt/topic.hpp"

namespace tandem::broker {

namespace {

using Users = std::map<std::string, core::User, std::less<>>;

// The hashes of a user that is there stay where "keep" stands for them.
Result<Users> users_of(std::string_view json, const core::AccessRules& access) {
  const Result<std::vector<admin::UserEntry>> entries = admin::users_from_json(json);
  if (!entries.ok()) return entries.error();
  Users users;
  for (admin::UserEntry entry : entries.value()) {
    const core::User* const present = access.user(entry.name);
    if (entry.password_hash == "keep") entry.password_hash = present != nullptr ? present->password_hash : "";
    if (entry.scram == "keep") entry.scram = present != nullptr ? present->scram : "";
    if (!entry.password_hash.empty()) {
      const auto hash = edge::parse_password_hash(entry.password_hash);
      if (!hash.ok()) return Error{"user " + entry.name + ": " + hash.error().message};
    }
    users[entry.name] = core::User{entry.password_hash, entry.scram, entry.client_ids, {}};
  }
  if (users.empty()) return Error{"no user is named"};
  return users;
}

std::string list_of(const core::AccessRules& access) {
  std::vector<admin::UserEntry> entries;
  for (const auto& [name, user] : access.users()) {
    entries.push_back(
        {name, user.password_hash.empty() ? "" : "yes", user.scram.empty() ? "" : "yes", user.client_ids});
  }
  return admin::to_json(entries);
}

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return line;
}

// "USER\nCLIENT\nTOPIC", the topic or a filter; gives the reply.
std::string test(const core::AccessRules& access, std::string_view question) {
  core::Asker asker;
  asker.username = next_line(question);
  asker.client_id = next_line(question);
  std::string_view filter = question;
  if (const auto shared = mqtt::parse_shared(filter)) filter = shared->filter;
  if (!mqtt::valid_topic_filter(filter)) {
    return admin::reply_error("\"" + std::string(question) + "\" is neither a topic nor a topic filter");
  }
  const std::string who =
      asker.username.empty() ? "a client without a user name" : "user " + std::string(asker.username);
  const auto may = [&](core::Right right) { return access.may(right, asker, filter) ? "yes" : "no"; };
  std::string text = who + " with client id \"" + std::string(asker.client_id) + "\", ";
  if (mqtt::valid_topic_name(filter)) {
    text += "topic \"" + std::string(filter) + "\": publish " + may(core::Right::write) + ", read ";
  } else {
    text += "filter \"" + std::string(filter) + "\": subscribe ";
  }
  text += may(core::Right::read);
  if (!access.may_use(asker.username, asker.client_id)) text += "; it may not connect under this client id";
  if (!asker.username.empty() && access.user(asker.username) == nullptr) text += "; there is no such user";
  if (!access.in_force()) text += "; there are no rules: everything is allowed";
  return admin::reply_message(text);
}

}  // namespace

// Empty: this box may change them.
std::string Node::why_no_access_change(const std::string& file, const char* what) const {
  if (!file.empty()) {
    return std::string(what) + " are followed from the file " + file +
           ": change it on both boxes, then 'tandemctl reload'";
  }
  if (active_.reigning()) return {};
  const std::string peer = config_.mirror ? pair_->status(steady_now()).peer.name : std::string();
  return "This box is not the active one: " + std::string(what) + " are changed at the active" +
         (peer.empty() ? "" : ", " + peer) + ", and are on both boxes then";
}

std::string Node::changed(const Status& done, const std::string& what) {
  if (!done.ok()) return admin::reply_error(done.error().message);
  parts_.events.event(Level::info, "security", "An operator changed " + what + ".");
  ship();
  try_listen();  // the first user, or the last one
  return admin::reply_changed("Changed: " + what, replica_.last().value);
}

std::string Node::user(const std::string& how, const std::string& data) {
  if (how == "list") return admin::reply_data(list_of(replica_.state().access()));
  begin_turn();
  const std::string refused = why_no_access_change(config_.security.password_file, "users");
  if (!refused.empty()) return admin::reply_error(refused);
  if (how == "remove") return changed(active_.remove_user(data), "users: " + data + " is removed");
  if (how != "set") return admin::reply_error("user needs \"set\", \"remove\" or \"list\"");
  const Result<Users> users = users_of(data, replica_.state().access());
  if (!users.ok()) return admin::reply_error(users.error().message);
  const std::string& first = users.value().begin()->first;
  const std::string more = users.value().size() > 1 ? " and " + std::to_string(users.value().size() - 1) + " more" : "";
  return changed(active_.set_users(users.value()), "users: " + first + more + " set");
}

std::string Node::acl(const std::string& how, const std::string& data) {
  const core::AccessRules& access = replica_.state().access();
  if (how == "show") return admin::reply_data(to_acl_text(access.sets()));
  if (how == "test") return test(access, data);
  begin_turn();
  const std::string refused = why_no_access_change(config_.security.acl_file, "access rules");
  if (!refused.empty()) return admin::reply_error(refused);
  if (how == "clear") return changed(active_.set_rules(std::nullopt), "access rules: none, everything is allowed");
  if (how != "set") return admin::reply_error("acl needs \"set\", \"clear\", \"show\" or \"test\"");
  core::AclText text = core::parse_acl(data);
  if (!text.problems.empty()) {
    std::string all = "nothing was changed:";
    for (const std::string& problem : text.problems) all += "\n" + problem;
    return admin::reply_error(all);
  }
  return changed(active_.set_rules(text.sets), "access rules");
}

// Is what was changed up to this record kept as was promised?
std::string Node::confirmed(std::string_view how) {
  std::uint64_t lsn = 0;
  const auto [end, error] = std::from_chars(how.data(), how.data() + how.size(), lsn);
  if (error != std::errc{} || end != how.data() + how.size())
    return admin::reply_error("confirmed needs a record's number");
  if (!active_.reigning())
    return admin::reply_error("This box has ceased to be the active one: look at the other one.");
  if (pair_->safe().value < lsn) return admin::reply_message("");
  if (!config_.mirror) return admin::reply_message("It is on this box's disk.");
  return admin::reply_message(pair_->status(steady_now()).is_protected
                                  ? "It is on both boxes."
                                  : "It is on this box's disk; the other box gets it when it is back.");
}

void Node::follow(FollowedFiles files) {
  followed_ = std::move(files);
  followed_pending_ = true;
  begin_turn();
  follow_files();
}

// While this box reigns; what the other box cannot read yet waits until it can.
void Node::follow_files() {
  if (!followed_pending_ || !active_.reigning() || pair_->common_level() < 2) return;
  followed_pending_ = false;
  Status done;
  if (followed_.password_hashes) done = active_.follow_users(*followed_.password_hashes);
  if (done.ok() && followed_.rules) done = active_.set_rules(*followed_.rules);
  if (!done.ok()) {
    parts_.events.event(Level::error, "security",
                        "What the files say of users and rules is not in force: " + done.error().message);
  }
  ship();
  try_listen();
}

}  // namespace tandem::broker
