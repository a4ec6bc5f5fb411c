// A damaged store is set aside whole, and a new one begins with what is sound, STALE: file by file.
#include "broker/salvage.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "broker/checkpointer.hpp"
#include "broker/replica.hpp"
#include "core/apply.hpp"
#include "core/record_codec.hpp"
#include "mirror/meta.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::broker;
namespace fs = std::filesystem;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tandem-salvage-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& file) const { return path + "/" + file; }
};

const Epoch epoch{7, node_id_from_name("boxa"), 55};
constexpr Instant wall{1'795'651'323'456};
constexpr int topics = 40;

store::StoreOptions options(const Folder& folder) {
  store::StoreOptions options;
  options.directory = folder / "data";
  options.wal_fold_bytes = 1 << 20;
  return options;
}

Batch batch_of(Lsn lsn, const core::Record& record) {
  ByteBuffer bytes;
  core::encode_record(record, bytes);
  return Batch{lsn, 1, epoch, Instant{1'000'000 + static_cast<std::int64_t>(lsn.value)},
               std::make_shared<const ByteBuffer>(std::move(bytes))};
}

// No two records look alike, so that a byte is found where it counts.
char fill_of(std::uint64_t lsn) {
  return static_cast<char>('A' + lsn);
}

// Record 1 begins the epoch; each that follows sets a retained message of its own topic, 5 KB.
Batch batch_at(Lsn lsn, std::string& topic, std::string& payload) {
  if (lsn.value == 1) return batch_of(lsn, core::EpochBegan{epoch, 60});
  topic = "topic/" + std::to_string(lsn.value);
  payload = std::string(5'000, fill_of(lsn.value));
  core::Published published;
  published.message.topic = topic;
  published.message.payload = payload;
  published.message.qos = mqtt::Qos::at_least_once;
  published.message.retain = true;
  return batch_of(lsn, published);
}

// Rows at record 20, log 1 to 41; everything folded into the two files.
void make_store(const Folder& folder, bool trimmed) {
  auto opened = store::open_store(options(folder));
  REQUIRE(opened.ok());
  store::Store& store = *opened.value();
  Replica replica;
  mirror::Meta meta;
  meta.store = 55;
  meta.epoch = epoch;
  meta.last_role = mirror::LastRole::active;
  meta.history.append(epoch, Lsn{1}, false);
  store.write_meta(mirror::encode_meta(meta), 1);
  std::string topic;
  std::string payload;
  for (Lsn lsn{1}; lsn.value <= topics + 1; lsn = lsn.next()) {
    Batch batch = batch_at(lsn, topic, payload);
    REQUIRE(replica.apply(batch).ok());
    store.append(std::move(batch), false);
    if (lsn.value != 20) continue;
    core::Checkpoint checkpoint(replica.state());
    std::vector<Row> rows;
    while (!checkpoint.step(100, rows)) {
    }
    store.begin_checkpoint(lsn, encode_checkpoint_info(replica.last_time()), false);
    store.put_rows(std::move(rows));
    store.commit_checkpoint(2);
  }
  REQUIRE(store.load_rows([](Row&&) { return Status{}; }).ok());
  if (!trimmed) return;
  store.take_events();
  store.trim(Lsn{20});
  std::string more_topic;
  while (store.log_first().value < 21) store.take_events();
}

struct Loaded {
  std::size_t retained = 0;
  Lsn last;
  mirror::Meta meta;
};

// Sets aside, opens what is there then.
Loaded salvaged(const Folder& folder, std::string& missing, const std::string& known = {}) {
  Salvage salvage(options(folder), [] { return std::uint64_t{99}; });
  const Result<bool> aside = salvage.set_aside(wall, known);
  REQUIRE(aside.ok());
  REQUIRE(aside.value());
  missing = salvage.missing();
  auto opened = store::open_store(options(folder));
  REQUIRE(opened.ok());
  store::Store& store = *opened.value();
  Replica replica;
  const Status loaded =
      replica.load(store, store.found().checkpoint, std::max(store.found().log_last, store.found().checkpoint), [] {});
  if (!loaded.ok()) FAIL(loaded.error().message);
  const Result<mirror::Meta> meta = mirror::decode_meta(store.found().meta);
  REQUIRE(meta.ok());
  CHECK(meta.value().last_role == mirror::LastRole::stale);
  CHECK_FALSE(store.found().fresh);
  return {replica.state().retained().size(), replica.last(), meta.value()};
}

// In the middle of a page that holds much of a message.
void flip_message(const std::string& path, char fill) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string all((std::istreambuf_iterator<char>(file)), {});
  const std::size_t at = all.find(std::string(1'000, fill));
  REQUIRE(at != std::string::npos);
  file.clear();
  file.seekp(static_cast<std::streamoff>(at + 500));
  file.put('!');
}

}  // namespace

TEST_CASE("a sound store is not set aside") {
  const Folder folder;
  make_store(folder, false);
  Salvage salvage(options(folder), [] { return std::uint64_t{99}; });
  const Result<bool> aside = salvage.set_aside(wall, {});
  REQUIRE(aside.ok());
  CHECK_FALSE(aside.value());
  CHECK(fs::exists(folder / "data/log.db"));
  CHECK(salvage.missing().empty());
}

TEST_CASE("a flipped byte in the log: everything before it is kept, the rest is named") {
  const Folder folder;
  make_store(folder, true);
  flip_message(folder / "data/log.db", fill_of(36));
  std::string missing;
  const Loaded loaded = salvaged(folder, missing);
  CHECK(loaded.last == Lsn{35});
  CHECK(loaded.retained == 34);
  CHECK(loaded.meta.epoch == epoch);
  CHECK(loaded.meta.store == 55);
  CHECK(loaded.meta.history.entries().size() == 1);
  CHECK(missing.find("lsn 36") != std::string::npos);
  CHECK(missing.find("Missing: records 36 to at least 41") != std::string::npos);
  CHECK(fs::exists(folder / "data/damaged-20261126T000203Z/log.db"));
}

TEST_CASE("a flipped byte in a row: only that entity is gone of the rows; records behind them are not replayed") {
  const Folder folder;
  make_store(folder, true);
  flip_message(folder / "data/state.db", fill_of(12));
  std::string missing;
  const Loaded loaded = salvaged(folder, missing);
  CHECK(loaded.last == Lsn{20});
  CHECK(loaded.retained == 18);  // 19 topics, one without its message
  CHECK(loaded.meta.history.entries().empty());
  CHECK(loaded.meta.before_damage.epoch_at(Lsn{20}) == epoch);
  CHECK(missing.find("2 rows") != std::string::npos);
  CHECK(missing.find("records 21 to at least 41") != std::string::npos);
}

TEST_CASE("a damaged row whose log still goes back to the beginning: the log has it all") {
  const Folder folder;
  make_store(folder, false);
  flip_message(folder / "data/state.db", fill_of(12));
  std::string missing;
  const Loaded loaded = salvaged(folder, missing);
  CHECK(loaded.last == Lsn{41});
  CHECK(loaded.retained == topics);
}

TEST_CASE("each file gone, empty or cut: STALE, never EMPTY, and nothing deleted") {
  for (const char* name : {"log.db", "state.db"}) {
    for (const int keep : {-1, 0, 100, 20'000}) {
      CAPTURE(name);
      CAPTURE(keep);
      const Folder folder;
      make_store(folder, true);
      const std::string path = folder / ("data/" + std::string(name));
      if (keep < 0)
        fs::remove(path);
      else
        fs::resize_file(path, static_cast<std::uintmax_t>(keep));
      std::string missing;
      const Loaded loaded = salvaged(folder, missing);
      CHECK(loaded.last.value <= 41);
      CHECK_FALSE(missing.empty());
      if (std::string(name) == "log.db") CHECK(loaded.last == Lsn{20});
    }
  }
}

TEST_CASE("metadata that cannot be read: a new store id, so that no epoch is taken twice") {
  const Folder folder;
  make_store(folder, true);
  flip_message(folder / "data/log.db", fill_of(41));
  {
    std::fstream file(folder / "data/log.db", std::ios::in | std::ios::out | std::ios::binary);
    const std::string all((std::istreambuf_iterator<char>(file)), {});
    ByteBuffer meta;
    ByteWriter(meta).u8(1).u64_le(55);
    const std::size_t at = all.find(meta);
    REQUIRE(at != std::string::npos);
    file.clear();
    file.seekp(static_cast<std::streamoff>(at + 3));
    file.put('!');
  }
  std::string missing;
  const Loaded loaded = salvaged(folder, missing);
  CHECK(loaded.last == Lsn{40});
  CHECK(loaded.meta.store == 99);
  CHECK(loaded.meta.alone_from == Lsn{1});
  CHECK(loaded.meta.history.entries().empty());
  CHECK(missing.find("table meta") != std::string::npos);
}

TEST_CASE("a log that lost its write-ahead file is not trusted to be whole") {
  const Folder folder;
  make_store(folder, false);
  std::string missing;
  const Loaded loaded = salvaged(folder, missing, "log.db-wal is missing");
  CHECK(loaded.last == Lsn{41});
  CHECK(missing.find("log.db-wal is missing") != std::string::npos);
  CHECK(missing.find("whatever came behind") != std::string::npos);
}

TEST_CASE("a crash in the middle is finished at the next start; healed keeps the report") {
  const Folder folder;
  make_store(folder, true);
  fs::create_directory(folder / "data/damaged-x");
  fs::rename(folder / "data/log.db", folder / "data/damaged-x/log.db");
  std::ofstream(folder / "data/damage") << "moving damaged-x\nlog.db-wal is missing";
  Salvage salvage(options(folder), [] { return std::uint64_t{99}; });
  REQUIRE(salvage.resume().ok());
  CHECK(salvage.missing().find("damaged-x") != std::string::npos);
  CHECK(fs::exists(folder / "data/damaged-x/state.db"));
  {
    auto opened = store::open_store(options(folder));
    REQUIRE(opened.ok());
    CHECK(opened.value()->found().log_last == Lsn{41});
  }
  CHECK(salvage.resume().ok());
  salvage.healed();
  CHECK(salvage.missing().empty());
  CHECK(fs::exists(folder / "data/damaged-x/report.txt"));
}
