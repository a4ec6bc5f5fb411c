// What rules say about a topic or a filter.
#include "core/access_rules.hpp"

#include <algorithm>

#include "mqtt/topic.hpp"
#include "mqtt/utf8.hpp"

namespace tandem::core {

namespace {

// Level by level; a wildcard in front covers no topic that begins with '$' ([MQTT5-4.7.2-1]).
class Levels {
 public:
  explicit Levels(std::string_view text) : rest_(text) { next(); }
  bool ended() const { return ended_; }
  std::string_view level() const { return level_; }
  bool many() const { return !ended_ && level_ == "#"; }
  bool one() const { return !ended_ && level_ == "+"; }
  void next() {
    ended_ = !more_;
    if (!ended_) level_ = mqtt::next_level(rest_, more_);
  }

 private:
  std::string_view rest_;
  std::string_view level_;
  bool more_ = true;
  bool ended_ = false;
};

bool hidden(std::string_view wildcards, std::string_view other) {
  return other.starts_with('$') && (wildcards.starts_with('#') || wildcards.starts_with('+'));
}

// The rule's level with the client's names in place. False: it cannot match anything.
bool fill(std::string_view& level, const Asker* names) {
  if (names == nullptr) return true;
  if (level == "%c") level = names->client_id;
  if (level == "%u") level = names->username;
  return !level.empty() && level.find('/') == std::string_view::npos;
}

bool is_name(std::string_view level, const Asker* names) {
  return names != nullptr && (level == "%c" || level == "%u");
}

// Is there a topic that both match? `filter` may be a topic, which matches itself alone. `names`: of whom %c and %u
// speak; null: they are levels like others.
bool meets(std::string_view rule, std::string_view filter, const Asker* names) {
  if (hidden(rule, filter) || hidden(filter, rule)) return false;
  Levels r(rule);
  Levels f(filter);
  for (;; r.next(), f.next()) {
    if (r.many() || f.many()) return true;  // "a/#" matches "a" as well
    if (r.ended() || f.ended()) return r.ended() && f.ended();
    std::string_view wanted = r.level();
    const bool name = is_name(wanted, names);
    if (name && !fill(wanted, names)) return false;
    if (!(r.one() && !name) && !f.one() && wanted != f.level()) return false;
  }
}

// Does the rule match every topic that the filter matches?
bool covers(std::string_view rule, std::string_view filter, const Asker* names) {
  if (hidden(rule, filter)) return false;
  Levels r(rule);
  Levels f(filter);
  for (;; r.next(), f.next()) {
    if (r.many()) return true;
    if (r.ended() || f.ended()) return r.ended() && f.ended();
    if (f.many()) return false;
    std::string_view wanted = r.level();
    const bool name = is_name(wanted, names);
    if (name && !fill(wanted, names)) return false;
    if (r.one() && !name) continue;
    if (f.one() || wanted != f.level()) return false;
  }
}

enum class Verdict : std::uint8_t { allowed, refused, nothing };

bool grants(Right given, Right wanted) {
  return (static_cast<unsigned>(given) & static_cast<unsigned>(wanted)) != 0;
}

// A denial counts that leaves nothing of the filter, a permission that opens some of it: for a topic that is the same.
Verdict judge(const RuleSet* set, Right wanted, std::string_view filter, const Asker* names) {
  if (set == nullptr) return Verdict::nothing;
  for (const Rule& rule : set->rules) {
    if (rule.right == Right::none) {
      if (covers(rule.filter, filter, names)) return Verdict::refused;
    } else if (grants(rule.right, wanted) && meets(rule.filter, filter, names)) {
      return Verdict::allowed;
    }
  }
  return Verdict::nothing;
}

const RuleSet* find(const std::map<RuleSetName, RuleSet>& sets, RuleOwner owner, std::string_view name) {
  const auto found = sets.find({owner, std::string(name)});
  return found == sets.end() ? nullptr : &found->second;
}

const RuleSet* own_set(const std::map<RuleSetName, RuleSet>& sets, const Asker& asker) {
  return asker.username.empty() ? find(sets, RuleOwner::anonymous, {}) : find(sets, RuleOwner::user, asker.username);
}

// A name that holds a wildcard could stand for other clients' topics.
bool has_wildcard(const Asker& asker) {
  return asker.username.find_first_of("+#") != std::string_view::npos ||
         asker.client_id.find_first_of("+#") != std::string_view::npos;
}

bool fits_pattern(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  for (text.remove_prefix(star);; text.remove_prefix(1)) {
    if (fits_pattern(pattern, text)) return true;
    if (text.empty()) return false;
  }
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

const User* AccessRules::user(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : &found->second;
}

bool AccessRules::may(Right wanted, const Asker& asker, std::string_view filter) const {
  if (!in_force()) return true;
  Verdict verdict = judge(own_set(sets_, asker), wanted, filter, nullptr);
  const RuleSet* const everyone = find(sets_, RuleOwner::everyone, {});
  if (verdict == Verdict::nothing && everyone != nullptr && !has_wildcard(asker)) {
    verdict = judge(everyone, wanted, filter, &asker);
  }
  return verdict == Verdict::allowed;
}

bool AccessRules::may_use(std::string_view username, std::string_view client_id) const {
  const User* const known = user(username);
  if (known == nullptr || known->client_ids.empty()) return true;
  return std::any_of(known->client_ids.begin(), known->client_ids.end(),
                     [&](const std::string& pattern) { return fits_pattern(pattern, client_id); });
}

std::string wrong_with_user_name(std::string_view name) {
  if (name.empty()) return "a user name is empty";
  if (name.size() > max_user_name_bytes) {
    return "the user name has " + std::to_string(name.size()) + " bytes; allowed: at most " +
           std::to_string(max_user_name_bytes);
  }
  if (name.find(':') != std::string_view::npos || has_control(name) || !mqtt::valid_utf8(name)) {
    return "a user name holds a colon, a control character or bytes that are no UTF-8";
  }
  return {};
}

std::string wrong_with(const User& user) {
  constexpr std::size_t most_hash_bytes = 1'024;
  constexpr std::size_t most_client_ids = 32;
  constexpr std::size_t most_stars = 4;  // in a pattern: comparing it stays quick
  if (user.password_hash.size() > most_hash_bytes || user.scram.size() > most_hash_bytes) {
    return "the password's hash is too long";
  }
  if (user.client_ids.size() > most_client_ids) return "a user may have at most 32 patterns of client ids";
  for (const std::string& pattern : user.client_ids) {
    const auto stars = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
    if (!pattern.empty() && pattern.size() <= max_user_name_bytes && stars <= most_stars && !has_control(pattern)) {
      continue;
    }
    return "\"" + (has_control(pattern) ? "?" : pattern.substr(0, 64)) +
           "\" is no pattern of client ids; allowed: 1 to 256 bytes, at most four '*'";
  }
  return {};
}

std::string wrong_with(const Rule& rule, RuleOwner owner) {
  if (!mqtt::valid_topic_filter(rule.filter) || !mqtt::valid_utf8(rule.filter) || has_control(rule.filter)) {
    return "its topic is no topic filter";
  }
  if (rule.filter.starts_with("$share/")) return "$share is part of a subscription; rules name the topics themselves";
  const bool names = rule.filter.find("%c") != std::string::npos || rule.filter.find("%u") != std::string::npos;
  if (owner != RuleOwner::everyone && names) return "%c and %u mean something in patterns only";
  return {};
}

std::size_t size_of(const std::vector<Rule>& rules) {
  std::size_t bytes = 0;
  for (const Rule& rule : rules) bytes += rule.filter.size() + rule_overhead_bytes;
  return bytes;
}

}  // namespace tandem::core
