// The journal's lines: with the time, or with the level as systemd's journal takes it.
#include "base/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace {

// What is written to stderr meanwhile, in a child's place of it: a file. `systemd`: JOURNAL_STREAM names that file.
std::string written(bool systemd, bool of_that_stream = true) {
  char path[] = "/tmp/tandem-journal-XXXXXX";
  const int file = ::mkstemp(path);
  REQUIRE(file >= 0);
  struct stat found {};
  REQUIRE(::fstat(file, &found) == 0);
  const std::string stream =
      std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino + (of_that_stream ? 0 : 1));
  if (systemd) ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  const int stderr_before = ::dup(STDERR_FILENO);
  ::dup2(file, STDERR_FILENO);
  tandem::journal::open("boxa", tandem::journal::Level::info);
  tandem::journal::error("no disk");
  tandem::journal::warn("slow");
  tandem::journal::info("here");
  tandem::journal::info("client \"pump\n<3>boxa: forged\x1b[31m\"");
  tandem::journal::debug("not shown");
  ::dup2(stderr_before, STDERR_FILENO);
  ::close(stderr_before);
  ::close(file);
  ::unsetenv("JOURNAL_STREAM");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  ::unlink(path);
  return text.str();
}

}  // namespace

TEST_CASE("journal: a text is one line without control characters, whoever made parts of it") {
  for (const bool systemd : {false, true}) {
    const std::string text = written(systemd);
    CHECK(std::count(text.begin(), text.end(), '\n') == 4);
    CHECK(text.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("journal: to systemd each line begins with its priority, so that `journalctl -p warning` finds it") {
  CHECK(written(true) ==
        "<3>boxa: no disk\n<4>boxa: slow\n<6>boxa: here\n<6>boxa: client \"pump\\x0a<3>boxa: forged\\x1b[31m\"\n");
}

TEST_CASE("journal: anywhere else it has time and level, also if JOURNAL_STREAM was inherited and is another stream") {
  for (const bool inherited : {false, true}) {
    const std::string text = written(inherited, false);
    CHECK(text.find(" error boxa: no disk\n") != std::string::npos);
    CHECK(text.rfind('<', 0) == std::string::npos);
    CHECK(text.find("not shown") == std::string::npos);
  }
}
