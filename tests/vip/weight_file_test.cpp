// The weight file: whole at any time, and whether somebody reads it.
#include "tests/vip/doctest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "tests/vip/folder.hpp"
#include "vip/weight_file.hpp"
#include "vip/weight_readers.hpp"

using namespace tandem::vip;

TEST_CASE("weight file: whoever has it open keeps the old number, whoever opens it has the new one") {
  const Folder folder;
  const WeightFile file(folder.file("vrrp.weight"));
  REQUIRE(file.write(-254).ok());
  CHECK(folder.read("vrrp.weight") == "-254\n");
  const int reader = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(file.write(131).ok());
  char old[16] = {};
  CHECK(::read(reader, old, sizeof old) == 5);
  CHECK(std::string(old) == "-254\n");
  ::close(reader);
  CHECK(folder.read("vrrp.weight") == "131\n");
  CHECK_FALSE(std::filesystem::exists(folder.file("vrrp.weight.new")));
}

TEST_CASE("weight file: a folder that is not there is said; the next write works once it is") {
  const Folder folder;
  const WeightFile file(folder.file("run/vrrp.weight"));
  CHECK_FALSE(file.write(20).ok());
  std::filesystem::create_directory(folder.file("run"));
  CHECK(file.write(20).ok());
}

TEST_CASE("weight readers: own writes do not count, another's look does, once") {
  const Folder folder;
  const WeightFile file(folder.file("vrrp.weight"));
  WeightReaders readers(file.path());
  REQUIRE(readers.works());
  REQUIRE(file.write(0).ok());
  folder.write("vrrp.fifo", "");
  CHECK_FALSE(readers.looked_at());
  folder.read("vrrp.weight");
  CHECK(readers.looked_at());
  CHECK_FALSE(readers.looked_at());
  REQUIRE(file.write(20).ok());
  CHECK_FALSE(readers.looked_at());
  folder.read("vrrp.weight");
  CHECK(readers.looked_at());
}

TEST_CASE("weight readers: a folder that comes later is watched then") {
  const Folder folder;
  const WeightFile file(folder.file("run/vrrp.weight"));
  WeightReaders readers(file.path());
  CHECK_FALSE(readers.works());
  std::filesystem::create_directory(folder.file("run"));
  CHECK_FALSE(readers.looked_at());
  CHECK(readers.works());
  REQUIRE(file.write(0).ok());
  folder.read("run/vrrp.weight");
  CHECK(readers.looked_at());
}
