// What can still be read of a damaged store: everything sound, nothing else, and a name for what is not.
#include "store/remains.hpp"

#include <filesystem>

#include "raw.hpp"
#include "test.hpp"

namespace tandem::store::testing {

namespace {

struct Read {
  std::vector<std::string> problems;
  std::vector<std::string> rows;
  Lsn last;
  Lsn checkpoint;
  ByteBuffer meta;
  bool rows_whole = false;
};

Read read(const std::string& path) {
  Result<std::unique_ptr<Remains>> opened = open_remains(path);
  REQUIRE(opened.ok());
  Remains& remains = *opened.value();
  Read read;
  std::vector<Row> rows;
  remains.read_rows([&](Row&& row) { rows.push_back(std::move(row)); });
  read.rows = shown(rows);
  read.rows_whole = remains.rows_reached_end();
  remains.read_log(remains.checkpoint(), [&](Batch&& batch) { read.last = batch.last(); });
  read.problems = remains.problems();
  read.checkpoint = remains.checkpoint();
  read.meta = remains.meta();
  return read;
}

bool names(const Read& read, const std::string& part) {
  for (const std::string& problem : read.problems) {
    if (problem.find(part) != std::string::npos) return true;
  }
  return false;
}

// Rows at lsn 9, log up to 30, as a crash leaves them.
void make_store(const std::string& path) {
  Running run(path);
  run.append(10, 3, 1'000);
  run.store().write_meta("meta", 1);
  REQUIRE(run.until_token(1));
  REQUIRE(run.checkpoint(Lsn{9}, "info", {make_row(1, "a", "1"), make_row(2, "b", "2"), make_row(3, "c", "3")}));
  run.close();
}

}  // namespace

TEST_CASE("a sound store has no problems and is read whole") {
  Directory directory;
  make_store(directory.path());
  const Read all = read(directory.path());
  CHECK(all.problems.empty());
  CHECK(all.rows.size() == 3);
  CHECK(all.rows_whole);
  CHECK(all.checkpoint == Lsn{9});
  CHECK(all.last == Lsn{30});
  CHECK(all.meta == "meta");
}

TEST_CASE("damage is named, and what is sound beside it is read") {
  Directory directory;
  make_store(directory.path());
  const std::string log = directory.file("log.db");
  const std::string state = directory.file("state.db");
  SUBCASE("a batch") {
    Raw(log).run("UPDATE batch SET bytes = zeroblob(1000) WHERE first = 19");
    const Read some = read(directory.path());
    CHECK(names(some, "lsn 19"));
    CHECK(some.last == Lsn{18});
    CHECK(some.rows.size() == 3);
  }
  SUBCASE("a row") {
    Raw(state).run("UPDATE entity SET value = x'33' WHERE kind = 2");
    const Read some = read(directory.path());
    CHECK(names(some, "kind 2"));
    CHECK(some.rows == std::vector<std::string>{"1:a=1", "3:c=3"});
    CHECK(some.rows_whole);
  }
  SUBCASE("the metadata") {
    Raw(log).run("UPDATE meta SET bytes = x'00'");
    const Read some = read(directory.path());
    CHECK(names(some, "table meta"));
    CHECK(some.meta.empty());
    CHECK(some.last == Lsn{30});
  }
  SUBCASE("the checkpoint's note") {
    Raw(state).run("UPDATE checkpoint SET lsn = 12");
    const Read some = read(directory.path());
    CHECK(names(some, "table checkpoint"));
    CHECK(some.rows.empty());
    CHECK_FALSE(some.rows_whole);
    CHECK(some.last == Lsn{30});  // it begins with record 1
  }
  SUBCASE("a head") {
    Raw(log).run("UPDATE head SET base = 2");
    CHECK(names(read(directory.path()), "table head"));
  }
  SUBCASE("two stores mixed up") {
    Raw(state).run("UPDATE head SET identity = 5");
    const Read some = read(directory.path());
    CHECK(names(some, "different stores"));
    CHECK(some.rows.size() == 3);
    CHECK(some.last == Lsn{0});
  }
}

TEST_CASE("each file truncated or gone: named, never a crash") {
  Directory directory;
  make_store(directory.path());
  for (const char* name : {"log.db", "state.db"}) {
    const std::uintmax_t size = file_bytes(directory.file(name));
    for (const std::uintmax_t keep : {std::uintmax_t{0}, std::uintmax_t{50}, size / 3, size / 2, size - 4096}) {
      CAPTURE(name);
      CAPTURE(keep);
      const std::string copy = directory.file("copy");
      std::filesystem::remove_all(copy);
      std::filesystem::create_directories(copy);
      for (const char* file : {"log.db", "state.db"}) {
        std::filesystem::copy_file(directory.file(file), copy + "/" + file);
      }
      std::filesystem::resize_file(copy + "/" + name, keep);
      CHECK_FALSE(read(copy).problems.empty());
      std::filesystem::remove(copy + "/" + std::string(name));
      CHECK(names(read(copy), "is missing"));
    }
  }
}

TEST_CASE("a store of another format, or in use, is not damaged") {
  Directory directory;
  make_store(directory.path());
  {
    Running in_use(directory.path());
    CHECK_FALSE(open_remains(directory.path()).ok());
  }
  Raw(directory.file("log.db")).run("PRAGMA user_version = 2");
  CHECK_FALSE(open_remains(directory.path()).ok());
}

}  // namespace tandem::store::testing
