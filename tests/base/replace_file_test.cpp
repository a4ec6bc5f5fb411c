// A file that others read is replaced as a whole, or left as it was.
#include "base/replace_file.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

using namespace tandem;

namespace {

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("replace_file: whole, with its mode, nothing left beside; what keeps it from being written is said") {
  std::string folder = (std::filesystem::temp_directory_path() / "tandem-replace-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/file";
  for (const Sync sync : {Sync::no, Sync::yes}) {
    for (const char* text : {"first\n", "", "second\n"}) {
      REQUIRE(replace_file(path, text, 0600, sync).ok());
      CHECK(text_of(path) == text);
    }
  }
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0600U);
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
  const Status none = replace_file(folder + "/none/file", "x", 0600, Sync::no);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message == "No such file or directory");
  std::filesystem::create_directory(folder + "/taken");
  CHECK_FALSE(replace_file(folder + "/taken", "x", 0600, Sync::no).ok());
  CHECK(std::filesystem::is_directory(folder + "/taken"));
  CHECK_FALSE(std::filesystem::exists(folder + "/taken.new"));
  std::filesystem::remove_all(folder);
}
