// One byte flipped in each kind of file of a box that is down, its peer serving: the box starts, fetches from the peer
// what it cannot read, and the pair is whole again with nothing lost (docs/formats-store.md). A box never takes over
// with a damaged copy. A damaged key is a plain refusal to start.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

// Flips all bits of the byte in the middle (`part` of 1,000) of the file.
void flip(const std::string& path, uintmax_t part) {
  uintmax_t size = std::filesystem::file_size(path);
  REQUIRE(size > 0);
  auto at = static_cast<std::streamoff>(size * part / 1'000);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  char byte = 0;
  file.get(byte);
  file.seekp(at);
  file.put(static_cast<char>(~byte));
  REQUIRE(file.flush().good());
}

PairOptions small_log() {
  PairOptions options;
  options.store_lines = "checkpoint_mb = 1\nlog_max_mb = 2\ncheckpoint_s = 1\n";
  return options;
}

// The standby is ended, a byte of `file` flipped, and it starts again beside the serving active.
void damaged_standby(const std::string& file, uintmax_t part, bool killed) {
  Folder folder("damage");
  Pair pair(folder, small_log());
  pair.start();
  PlantOptions load;
  load.payload_bytes = 1'000;
  Plant plant(pair.endpoints(), load);
  plant.start();
  plant.goes_on(1'000);
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  if (killed) {
    standby.kill();
  } else {
    CHECK(standby.stop() == 0);
  }
  std::string path = standby.data_dir() + "/" + file;
  if (!std::filesystem::exists(path)) return;  // nothing to damage, as log.db-wal after an orderly end
  flip(path, part);
  standby.start();
  plant.goes_on();
  pair.await_protected();
  CHECK(active.is_active());
  REQUIRE(plant.finish());
  pair.await_equal();
  active.kill();
  until([&] { return standby.is_active(); }, "the box that was damaged takes over");
  plant.check();
}

}  // namespace

TEST_CASE("store: a byte flipped in a file of a box that is down is healed by its peer") {
  for (const char* file : {"log.db", "log.db-wal", "state.db", "state.db-wal", "events.log"}) {
    for (uintmax_t part : {0U, 300U, 700U}) {
      if (part != 300 && rounds_of("TANDEM_PAIR_ROUNDS", 1) == 1) continue;
      CAPTURE(file);
      CAPTURE(part);
      damaged_standby(file, part, true);
      if (rounds_of("TANDEM_PAIR_ROUNDS", 1) > 1) damaged_standby(file, part, false);
    }
  }
}

TEST_CASE("mirror: a box with a damaged key says so and does not start, and its peer goes on") {
  Folder folder("key");
  Pair pair(folder, PairOptions{});
  pair.start();
  Plant plant(pair.endpoints());
  plant.start();
  Node& standby = pair.other(pair.await_active());
  CHECK(standby.stop() == 0);
  std::string path = folder.file("keys") + "/" + standby.name() + ".key";
  std::string good = read_text_file(path);
  write_text_file(path, good.substr(0, good.size() / 2));
  standby.start();
  until([&] { return !standby.process().running(); }, "it ends");
  CHECK(standby.process().exit_code() != 0);
  CHECK_MESSAGE(standby.journal().find(".key") != std::string::npos, standby.journal());
  plant.goes_on();
  write_text_file(path, good);
  standby.start();
  pair.await_protected();
  REQUIRE(plant.finish());
  plant.check();
  pair.await_equal();
}
