#include "core/acl_text.hpp"

#include <optional>

#include "base/limits.hpp"

namespace tandem::core {

namespace {

constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view without_end(std::string_view text) {
  const std::size_t last = text.find_last_not_of(blanks);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view() : without_end(text.substr(first));
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find_first_of(" \t"));
}

std::optional<Right> right_of(std::string_view word) {
  if (word == "read") return Right::read;
  if (word == "write") return Right::write;
  if (word == "readwrite") return Right::read_write;
  if (word == "deny") return Right::none;
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(AclText& into) : into_(into) { into_.sets[{RuleOwner::everyone, {}}]; }

  void take(std::string_view line) {
    ++number_;
    line = without_end(line);
    if (line.empty() || line.front() == '#') return;
    const std::string_view word = first_word(line);
    const std::string_view rest = trimmed(line.substr(word.size()));
    if (word == "user") {
      user(rest);
    } else if (word == "topic") {
      rule(owner_, rest);
    } else if (word == "pattern") {
      rule({RuleOwner::everyone, {}}, rest);
    } else {
      problem("begins with none of the words user, topic, pattern");
    }
  }

 private:
  void user(std::string_view name) {
    owner_ = {RuleOwner::user, std::string(name)};
    if (const std::string wrong = wrong_with_user_name(name); !wrong.empty()) problem(wrong);
  }

  // The word of the right may be missing; a filter that holds blanks needs it.
  void rule(const RuleSetName& owner, std::string_view rest) {
    const std::string_view word = first_word(rest);
    const std::string_view behind = trimmed(rest.substr(word.size()));
    const std::optional<Right> right = behind.empty() ? std::optional(Right::read_write) : right_of(word);
    if (!right) return problem("the right is none of the words read, write, readwrite, deny");
    Rule made{*right, std::string(behind.empty() ? word : behind)};
    if (const std::string wrong = wrong_with(made, owner.owner); !wrong.empty()) return problem(wrong);
    std::vector<Rule>& rules = into_.sets[owner];
    std::size_t& bytes = bytes_[owner];
    bytes += made.filter.size() + rule_overhead_bytes;
    if (bytes > max_rule_set_bytes) return problem("these are too many rules for one user (60,000 bytes are allowed)");
    rules.push_back(std::move(made));
  }

  void problem(const std::string& what) {
    if (into_.problems.size() < limits::told_file_problems) {
      into_.problems.push_back("line " + std::to_string(number_) + ": " + what);
    }
  }

  AclText& into_;
  RuleSetName owner_{RuleOwner::anonymous, {}};
  std::map<RuleSetName, std::size_t> bytes_;
  int number_ = 0;
};

const char* word_of(Right right) {
  switch (right) {
    case Right::none:
      return "deny";
    case Right::read:
      return "read";
    case Right::write:
      return "write";
    case Right::read_write:
      break;
  }
  return "readwrite";
}

}  // namespace

AclText parse_acl(std::string_view text) {
  AclText acl;
  Reader reader(acl);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    reader.take(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return acl;
}

std::string to_acl_text(const std::map<RuleSetName, RuleSet>& sets) {
  std::string text;
  for (const auto& [name, set] : sets) {  // the anonymous ones come first
    if (name.owner == RuleOwner::user) text += "user " + name.name + "\n";
    const char* const kind = name.owner == RuleOwner::everyone ? "pattern " : "topic ";
    for (const Rule& rule : set.rules) text += kind + std::string(word_of(rule.right)) + " " + rule.filter + "\n";
    if (!set.rules.empty()) text += "\n";
  }
  if (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace tandem::core
