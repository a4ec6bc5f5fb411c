// Setting keys in a TOML file: what is there is replaced, what is not is added, and nothing else changes.
#include "base/toml_edit.hpp"

#include <doctest/doctest.h>

namespace tandem::test {

namespace {

const std::string file =
    "# a file\n"
    "[node]\n"
    "name = \"boxa\"   # this one\n"
    "\n"
    "[[listener]]\n"
    "address = \"0.0.0.0\"\n"
    "# second\n"
    "[[listener]]\n"
    "port = 9001\n"
    "path = [\n"
    "  \"/mqtt\",  # [not a table]\n"
    "  \"/\",\n"
    "]\n"
    "origins = \"x\"\n"
    "\n"
    "[limits]  # few\n"
    "max_sessions = 77 # keep me\n";

std::string set(const char* name, const std::string& value) {
  const Result<std::string> made = set_toml_key(file, toml_place(name), value);
  REQUIRE_MESSAGE(made.ok(), made.error().message);
  return made.value();
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = file;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a key that is there is replaced, and its comment stays") {
  CHECK(set("limits.max_sessions", "5") == with("max_sessions = 77 # keep me", "max_sessions = 5  # keep me"));
  CHECK(set("listener 2.port", "9002") == with("port = 9001", "port = 9002"));
}

TEST_CASE("a list of several lines is replaced as a whole") {
  CHECK(set("listener 2.path", "[\"/x\"]") ==
        with("path = [\n  \"/mqtt\",  # [not a table]\n  \"/\",\n]\n", "path = [\"/x\"]\n"));
}

TEST_CASE("a key that is not there is added to its table, a table to the end") {
  CHECK(set("limits.max_retained", "3") == with("[limits]  # few\n", "[limits]  # few\nmax_retained = 3\n"));
  CHECK(set("listener 1.port", "1884") == with("[[listener]]\naddress", "[[listener]]\nport = 1884\naddress"));
  CHECK(set("store.log_max_mb", "4") == file + "\n[store]\nlog_max_mb = 4\n");
}

TEST_CASE("what cannot be set is refused: a table that is not there, a value that is none, a file that is no TOML") {
  CHECK_FALSE(set_toml_key(file, toml_place("listener 3.port"), "1").ok());
  CHECK_FALSE(set_toml_key(file, toml_place("limits.max_sessions"), "5 6").ok());
  CHECK_FALSE(set_toml_key("a = [\n", toml_place("limits.max_sessions"), "5").ok());
}

TEST_CASE("the other box's value, or its name of a key, sets that one key and no other") {
  CHECK_FALSE(set_toml_key(file, toml_place("limits.max_sessions"), "5\n[control]\nsocket = \"/x\"").ok());
  CHECK_FALSE(set_toml_key(file, toml_place("limits.max_sessions"), "5\rmax_retained = 3").ok());
  CHECK_FALSE(set_toml_key("[a]\nb = 1\nc = 2\n[d]\ne = \"\"\"x\"\"\"\n", toml_place("a.b"), "\"\"\"").ok());
  CHECK_FALSE(set_toml_key(file, toml_place("limits.max_retained = 3\nmax_sessions"), "5").ok());
  CHECK_FALSE(set_toml_key(file, toml_place("limits]\n[control.socket"), "\"/x\"").ok());
  CHECK_FALSE(set_toml_key(file, toml_place("limits."), "5").ok());
}

}  // namespace tandem::test
