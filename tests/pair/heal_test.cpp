// A standby whose copy is not the active's although every checksum is right: alarm, the entity by name, healing by
// itself.
#include <filesystem>

#include "store/store.hpp"
#include "tests/pair/node.hpp"

#include <doctest/doctest.h>

using namespace tandem::test;

namespace {

// Changes a retained message in the rows of a stopped node, with a good checksum. False: it is not in the rows yet.
bool change_payload(const std::string& data_dir, const std::string& from, const std::string& to) {
  tandem::store::StoreOptions options;
  options.directory = data_dir;
  auto opened = tandem::store::open_store(options);
  REQUIRE(opened.ok());
  tandem::store::Store& store = *opened.value();
  std::vector<tandem::Row> changed;
  const tandem::Status read = store.load_rows([&](tandem::Row&& row) {
    const std::size_t at = row.value.find(from);
    if (at == std::string::npos) return tandem::Status{};
    row.value.replace(at, from.size(), to);
    changed.push_back(std::move(row));
    return tandem::Status{};
  });
  REQUIRE(read.ok());
  if (changed.empty()) return false;
  store.begin_checkpoint(store.found().checkpoint, store.found().checkpoint_info, false);
  store.put_rows(std::move(changed));
  store.commit_checkpoint(1);
  REQUIRE(store.load_rows([](tandem::Row&&) { return tandem::Status{}; }).ok());
  return true;
}

}  // namespace

TEST_CASE("a standby with another State raises an alarm, names what differs, and is loaded anew") {
  Folder folder("heal");
  PairOptions options;
  options.store_lines = "checkpoint_s = 1\n";
  Pair pair(folder, options);
  pair.start();
  Client client({});
  connect_any(client, pair.endpoints());
  client.publish("valve/7", "state-is-open", 1, true);
  Node& active = pair.await_active();
  Node& standby = pair.other(active);
  // Until a checkpoint of the standby has it: each round gives it something to write.
  bool changed = false;
  for (int round = 0; round < 20 && !changed; ++round) {
    pair.await_protected();
    client.publish("other", std::to_string(round), 1, true);
    until([&] { return std::filesystem::file_size(standby.data_dir() + "/state.db-wal") > 0; }, "no checkpoint");
    CHECK(standby.stop() == 0);
    changed = change_payload(standby.data_dir(), "state-is-open", "state-is-shut");
    standby.start();
  }
  REQUIRE(changed);
  pair.await_protected();
  int number = 0;
  until(
      [&] {
        client.publish("other", std::to_string(++number), 1, true);
        return standby.control({"events", "-n", "100"}).output.find("The alarm (digest) is over") != std::string::npos;
      },
      "the digest alarm does not come and go", scaled(Millis(60'000)));
  const std::string events = standby.control({"events", "-n", "100"}).output;
  CAPTURE(events);
  CHECK(events.find("Alarm (digest)") != std::string::npos);
  CHECK(events.find("on valve/7 (different)") != std::string::npos);
  CHECK(events.find("Healing: ") != std::string::npos);
  pair.await_equal();
  const Ran verified = standby.control({"verify"});
  CHECK(verified.code == 0);
  CHECK(verified.output.find("hold the same") != std::string::npos);
}
