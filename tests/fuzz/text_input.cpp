// Files that people write.
#include <algorithm>
#include <string>

#include "base/check.hpp"
#include "broker/config.hpp"
#include "edge/password_file.hpp"
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
  for (const auto& [name, hash] : file.users) CHECK(!name.empty() && !hash.hash.empty());
}

}  // namespace tandem::fuzz
