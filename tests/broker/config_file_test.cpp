// What the other box pushes into this box's configuration file: shared keys, valid together, and nothing else.
#include "broker/config_file.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "broker/config.hpp"
#include "tests/vip/folder.hpp"

#include <doctest/doctest.h>

namespace tandem::broker::test {

namespace {

const std::string own =
    "[node]\nname = \"boxb\"\n"
    "[[listener]]\naddress = \"127.0.0.1\"  # here\nport = 1883\n"
    "[limits]\nmax_sessions = 5\n";

struct File {
  Folder folder;
  std::string path = folder.file("tandem.toml");
  explicit File(const std::string& text = own) { std::ofstream(path) << text; }
  static std::string read(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(name).rdbuf();
    return text.str();
  }
  std::string text() const { return read(path); }
};

// What a box with this file says of itself.
ConfigValues values(const std::string& text) {
  const Result<Config> config = parse_config(text, "there");
  REQUIRE_MESSAGE(config.ok(), config.error().message);
  return shared_values(config.value().values);
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the other box's shared values are written, its own are not; the old file stays beside it") {
  const File file;
  const std::string there =
      with(with(with(own, "boxb", "boxa"), "127.0.0.1", "0.0.0.0"), "max_sessions = 5", "max_sessions = 6");
  const Result<std::string> done = take_over_config(file.path, values(there));
  REQUIRE_MESSAGE(done.ok(), done.error().message);
  CHECK(done.value() == file.path + " has now: limits.max_sessions = 6. The old one is " + file.path + ".before.");
  CHECK(file.text() == with(own, "max_sessions = 5", "max_sessions = 6"));
  CHECK(File::read(file.path + ".before") == own);
  const Result<std::string> again = take_over_config(file.path, values(there));
  REQUIRE(again.ok());
  CHECK(again.value() == file.path + " has these values already; they wait for a restart.");
}

TEST_CASE("what this box could not run with, or what would set other keys, is refused as a whole") {
  const File file;
  ConfigValues there = values(own);
  const auto refused = [&](const std::string& key, const std::string& value, const std::string& why) {
    ConfigValues pushed = there;
    pushed["limits.max_sessions"] = "7";
    pushed[key] = value;
    const Result<std::string> done = take_over_config(file.path, pushed);
    REQUIRE_FALSE(done.ok());
    CHECK_MESSAGE(done.error().message.find(why) != std::string::npos, done.error().message);
    CHECK(file.text() == own);
    CHECK_FALSE(std::filesystem::exists(file.path + ".before"));
  };
  refused("limits.max_retained", "-1", "this box cannot run with it");
  refused("control.socket", "\"/tmp/x\"", "it would change what is this box's own");
  refused("limits.no_such_key", "1", "this box cannot run with it");
  refused("security.password_file", "\"not absolute\"", "this box cannot run with it");
  refused("limits.max_sessions", "5\n[control]\nsocket = \"/tmp/x\"", "nothing in ");
}

TEST_CASE("what this file has no place for is left and named, and so is what the other box does not know") {
  const File file;
  ConfigValues there = values(own);
  there["limits.max_sessions"] = "6";
  there["listener 2.port"] = "1884";
  there.erase("limits.max_retained");
  const Result<std::string> done = take_over_config(file.path, there);
  REQUIRE_MESSAGE(done.ok(), done.error().message);
  CHECK(
      done.value().find("Left as they are: limits.max_retained (the other box does not know it), listener 2.port (") !=
      std::string::npos);
  CHECK(file.text() == with(own, "max_sessions = 5", "max_sessions = 6"));
}

TEST_CASE("a file that is wrong, gone, or in a folder that may not be written stays as it is") {
  const File wrong("[limits\n");
  CHECK_FALSE(take_over_config(wrong.path, values(own)).ok());
  CHECK(wrong.text() == "[limits\n");
  CHECK_FALSE(take_over_config(wrong.path + ".none", values(own)).ok());
  const Result<std::string> elsewhere = take_over_config("/proc/version", values(own));
  CHECK_FALSE(elsewhere.ok());
}

}  // namespace tandem::broker::test
