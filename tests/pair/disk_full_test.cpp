// A full disk on a small tmpfs: nothing acknowledged is lost, the pair goes on, and the box recovers by itself once
// there is space. Needs the right to mount; else skipped with a word.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

class SmallDisk {
 public:
  explicit SmallDisk(std::string path, const char* size) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    std::string options = std::string("mode=0755,size=") + size;
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  // Takes what is free.
  void fill() {
    std::ofstream file(path_ + "/filler", std::ios::binary | std::ios::app);
    std::string block(4'096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) continue;
  }
  void make_room() { std::filesystem::remove(path_ + "/filler"); }

 private:
  std::string path_;
  bool mounted_ = false;
};

bool refused(const SmallDisk& disk) {
  if (disk.mounted()) return false;
  std::printf("skipped: no right to mount a tmpfs (root has it): disk full test\n");
  return true;
}

void full_disk_of(bool of_active) {
  Folder folder("full");
  PairOptions options;
  options.store_lines = "checkpoint_mb = 4\nlog_max_mb = 8\n";
  Pair pair(folder, options);
  SmallDisk disk(folder.file("disk"), "400m");
  if (refused(disk)) return;
  pair.a().options().data_dir = folder.file("disk") + "/data";
  pair.a().write_config();
  pair.start();
  if ((&pair.await_active() == &pair.a()) != of_active) {
    Node& active = pair.await_active();
    CHECK(active.stop() == 0);
    until([&] { return pair.other(active).is_active(); }, "the other one serves");
    active.start();
    pair.await_protected();
  }
  Plant plant(pair.endpoints());
  plant.start();
  disk.fill();
  // Several seconds of log beyond what the ballast gives back.
  PlantOptions much;
  much.name = "much";
  much.payload_bytes = 20'000;
  much.rate_per_s = 0;
  much.give_up = Millis(60'000);
  Plant flood(pair.endpoints(), much);
  flood.q1.start(1'500);
  plant.goes_on();
  until([&] { return pair.a().journal().find("full") != std::string::npos; }, "the box says that its disk is full");
  plant.goes_on();
  pair.a().check_running();
  disk.make_room();
  REQUIRE(flood.q1.wait());
  pair.await_protected();
  plant.goes_on();
  REQUIRE(plant.finish());
  std::string wrong = plant.verdict() + flood.verdict();
  CHECK_MESSAGE(wrong.empty(), wrong);
  pair.await_equal();
}

}  // namespace

TEST_CASE("store: a full disk of the standby costs no message, and it recovers by itself") {
  full_disk_of(false);
}

TEST_CASE("store: a full disk of the active costs no acknowledged message, and it recovers by itself") {
  full_disk_of(true);
}

TEST_CASE(
    "store: a box alone on a full disk acknowledges nothing that it cannot keep, and goes on when there is space") {
  Folder folder("full-alone");
  PairOptions options;
  options.store_lines = "checkpoint_mb = 4\nlog_max_mb = 8\n";
  Pair pair(folder, options);
  SmallDisk disk(folder.file("disk"), "400m");
  if (refused(disk)) return;
  pair.a().options().data_dir = folder.file("disk") + "/data";
  pair.a().write_config();
  pair.start();
  if (&pair.await_active() != &pair.a()) {
    CHECK(pair.b().stop() == 0);
    until([&] { return pair.a().is_active(); }, "the box with the small disk serves");
  } else {
    CHECK(pair.b().stop() == 0);
  }
  until([&] { return pair.a().status() && pair.a().status()->self.mode == "solo"; }, "it is alone");
  PlantOptions load;
  load.payload_bytes = 10'000;
  load.silence = Millis(60'000);
  load.give_up = Millis(60'000);
  load.rate_per_s = 150;  // stays below limits.max_queue_bytes
  Plant plant({pair.a().endpoint()}, load);
  plant.q1.start_endless();
  disk.fill();
  until([&] { return pair.a().journal().find("full") != std::string::npos; }, "the box says that its disk is full");
  let_pass(Millis(1'000));
  pair.a().check_running();
  uint32_t acked = plant.q1.acked();
  disk.make_room();
  until([&] { return plant.q1.acked() > acked + 100; }, "publishing goes on");
  pair.a().kill();
  pair.a().start();
  REQUIRE(plant.finish());
  plant.check();
  pair.b().start();
  pair.await_equal();
}
