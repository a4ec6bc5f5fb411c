// Files that people write.
#include <algorithm>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "broker/config.hpp"
#include "core/acl_text.hpp"
#include "core/state.hpp"
#include "edge/password_file.hpp"
#include "edge/scram.hpp"
#include "mqtt/topic.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

void examine_config(ByteView input) {
  const Result<Config> config = parse_config(input, "tandem.toml");
  if (!config.ok()) {
    CHECK(config.error().message.starts_with("tandem.toml"));
    return;
  }
  CHECK(!config.value().listeners.empty() && !config.value().node.name.empty());
  if (config.value().mirror) CHECK(config.value().mirror->listen.size() == config.value().mirror->peer.size());
}

void examine_passwords(ByteView input) {
  const edge::PasswordFile file = edge::parse_password_file(input);
  const auto lines = static_cast<std::size_t>(std::count(input.begin(), input.end(), '\n')) + 1;
  CHECK(file.users.size() <= lines && file.problems.size() <= lines);
  for (const auto& [name, hash] : file.users) CHECK(!name.empty() && !hash.empty());
}

// What is understood means the same when it is written and read again; and every question has an answer.
void examine_rules(ByteView input) {
  const core::AclText acl = core::parse_acl(input);
  if (!acl.problems.empty()) return;
  core::State state;
  for (const auto& [name, rules] : acl.sets) state.set_rules(name, rules);
  const core::AccessRules& access = state.access();
  core::State again;
  for (const auto& [name, rules] : core::parse_acl(core::to_acl_text(access.sets())).sets) again.set_rules(name, rules);
  CHECK(core::to_acl_text(again.access().sets()) == core::to_acl_text(access.sets()));
  for (const char* user : {"", "bob"}) {
    for (const auto& [name, rules] : acl.sets) {
      for (const core::Rule& rule : rules) {
        const core::Asker asker{user, "c1"};
        if (!access.may(core::Right::read, asker, rule.filter)) continue;
        for (const char* wider : {"#", "+/#"}) {  // whoever may read something may subscribe to more
          const bool covered = mqtt::valid_topic_name(rule.filter) && mqtt::topic_matches(wider, rule.filter);
          CHECK(!covered || access.may(core::Right::read, asker, wider));
        }
      }
    }
  }
}

// Two messages of a client, with a line's end between them: nobody gets in without knowing the password.
void examine_scram(ByteView input) {
  const auto find = [](std::string_view user) -> std::optional<edge::ScramVerifier> {
    if (user != "bob") return std::nullopt;
    static const std::string verifier = edge::make_scram_verifier("secret", "salt", 1);
    return edge::parse_scram_verifier(verifier).value();
  };
  edge::ScramServer server(find, "secret of this process", "servernonce");
  const std::size_t end = std::min(input.find('\n'), input.size());
  if (server.step(input.substr(0, end)).kind != edge::ScramServer::Step::Kind::more) return;
  const auto last = server.step(input.substr(std::min(end + 1, input.size())));
  CHECK(last.kind != edge::ScramServer::Step::Kind::more);
  CHECK(last.kind != edge::ScramServer::Step::Kind::success);
  static_cast<void>(edge::parse_scram_verifier(input));
}

}  // namespace tandem::fuzz
