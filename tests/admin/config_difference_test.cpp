// Differences of two boxes' configurations: on their way to tandemctl, and into a file.
#include "admin/config_difference.hpp"

#include <sys/stat.h>

#include "tests/vip/folder.hpp"

#include <doctest/doctest.h>

namespace tandem::admin::test {

TEST_CASE("differences come to tandemctl as they were told") {
  const std::vector<ConfigDifference> told = {{"limits.max_sessions", "1", "22"}, {"http.port", "-", "9883"}};
  const std::vector<ConfigDifference> got = differences_from_lines(to_lines(told));
  REQUIRE(got.size() == 2);
  CHECK(got[0].key == "limits.max_sessions");
  CHECK(got[0].here == "1");
  CHECK(got[0].there == "22");
  CHECK(got[1].here == "-");
  CHECK(differences_from_lines("").empty());
}

TEST_CASE("what the other box says makes no other difference, and nothing that a terminal obeys") {
  const std::vector<ConfigDifference> got = differences_from_lines(
      to_lines({{"limits.a", "1", "2\ncontrol.socket\t\"/x\"\t\"/y\""}, {"limits.b\x1b[2J", "1", "2"}}));
  REQUIRE(got.size() == 2);
  CHECK(got[0].key == "limits.a");
  CHECK(got[0].there == "2\\x0acontrol.socket\\x09\"/x\"\\x09\"/y\"");
  CHECK(got[1].key == "limits.b\\x1b[2J");
}

TEST_CASE("what can be taken over is, and the rest is named") {
  const TakenOver taken = take_over(
      "[limits]\nmax_sessions = 5  # few\n",
      {{"limits.max_sessions", "5", "6"}, {"limits.max_retained", "7", "-"}, {"listener 2.port", "-", "1884"}});
  CHECK(taken.text == "[limits]\nmax_sessions = 6  # few\n");
  CHECK(taken.written == std::vector<std::string>{"limits.max_sessions = 6"});
  REQUIRE(taken.left.size() == 2);
  CHECK(taken.left[0].key == "limits.max_retained");
  CHECK(taken.left[0].why == "the other box does not know it");
  CHECK(taken.left[1].key == "listener 2.port");
}

TEST_CASE("a file that is replaced keeps its mode, and so does the old one beside it") {
  const Folder folder;
  folder.write("tandem.toml", "old");
  const std::string file = folder.file("tandem.toml");
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  REQUIRE(replace_keeping_before(file, read_file(file, 100), "new").ok());
  CHECK(folder.read("tandem.toml") == "new");
  CHECK(folder.read("tandem.toml.before") == "old");
  for (const char* name : {"tandem.toml", "tandem.toml.before"}) {
    struct stat found {};
    REQUIRE(::stat(folder.file(name).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0600);
  }
}

}  // namespace tandem::admin::test
