// A small file is read whole, or it is known why not; never more than the bound.
#include "base/text_file.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

using namespace tandem;

namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "tandem-text-XXXXXX").string();
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& text) const {
    std::ofstream(path + "/file", std::ios::binary) << text;
    return path + "/file";
  }
};

}  // namespace

TEST_CASE("read_file: all of a file up to the bound, and that there is more") {
  const Folder folder;
  for (const std::size_t size : {0U, 1U, 99U, 100U, 101U, 100'000U}) {
    CAPTURE(size);
    const std::string text = std::string(size, 'x');
    const FileText file = read_file(folder.file(text), 100);
    CHECK(file.ok());
    CHECK(file.opened);
    CHECK(file.larger == (size > 100));
    CHECK(file.text == text.substr(0, 100));
    CHECK(read_file(folder.file(text), 1'000'000).text == text);
  }
}

TEST_CASE("read_file: kind and mode come with it") {
  const Folder folder;
  const std::string path = folder.file("secret");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const FileText file = read_file(path, 100);
  CHECK(S_ISREG(file.mode));
  CHECK((file.mode & 0777U) == 0640U);
}

TEST_CASE("read_file: what fails has its reason, and whether it was there at all") {
  const Folder folder;
  const FileText none = read_file(folder.path + "/none", 100);
  CHECK_FALSE(none.ok());
  CHECK_FALSE(none.opened);
  CHECK(none.error == ENOENT);
  CHECK(none.reason() == "No such file or directory");
  const FileText directory = read_file(folder.path, 100);
  CHECK_FALSE(directory.ok());
  CHECK(directory.opened);
  CHECK(directory.error == EISDIR);
  CHECK(directory.text.empty());
}

TEST_CASE("read_file: what tells no size is read to its end, and without an end to the bound") {
  const FileText told = read_file("/proc/self/status", 1'000'000);
  CHECK(told.ok());
  CHECK(told.text.find("\nPid:") != std::string::npos);
  const FileText endless = read_file("/dev/zero", 100'000);
  CHECK(endless.ok());
  CHECK(endless.larger);
  CHECK(endless.text.size() == 100'000);
}

TEST_CASE("read_text_file: its error calls the file by its name") {
  const Folder folder;
  CHECK(read_text_file("the list", folder.file("abc"), 3).value() == "abc");
  CHECK(read_text_file("the list", folder.file("abcd"), 3).error().message ==
        "the list " + folder.path + "/file is larger than the 3 bytes that are read");
  CHECK(read_text_file("the list", folder.path + "/none", 3).error().message ==
        "the list " + folder.path + "/none cannot be read: No such file or directory");
}
