// Reading for a joining peer: rows from one moment, then batches, while the store goes on writing.
#include <set>

#include "raw.hpp"
#include "test.hpp"

namespace tandem::store::testing {

namespace {

// Asks for one chunk and gives it.
Chunk next_chunk(Running& run, std::uint64_t id, std::size_t max_bytes) {
  run.chunks.clear();
  run.store().next_chunk(id, max_bytes);
  REQUIRE(run.until([&] { return !run.chunks.empty(); }));
  REQUIRE(run.chunks.size() == 1);
  CHECK(run.chunks[0].catch_up == id);
  return std::move(run.chunks[0]);
}

}  // namespace

TEST_CASE("A catch-up without rows gives the batches behind a position, in chunks, to the end of the log") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(100, 3, 1'000, true)));
  const std::uint64_t id = run.store().open_catch_up(Lsn{30}, false);
  Lsn position{30};
  int chunks = 0;
  for (;;) {
    const Chunk chunk = next_chunk(run, id, 8'000);
    CHECK(chunk.rows.empty());
    CHECK_FALSE(chunk.rows_end);
    CHECK_FALSE(chunk.gap);
    CHECK(chunk.batches.size() <= 8);
    for (const Batch& batch : chunk.batches) {
      CHECK(same(batch, make_batch(position.next(), 3, 1'000)));
      position = batch.last();
    }
    ++chunks;
    if (chunk.at_log_end) break;
  }
  CHECK(position == Lsn{300});
  CHECK(chunks >= 12);
  // What is durable later comes with the next chunk.
  CHECK(next_chunk(run, id, 8'000).at_log_end);
  REQUIRE(run.until_durable(run.append(1, 3, 1'000, true)));
  const Chunk later = next_chunk(run, id, 8'000);
  REQUIRE(later.batches.size() == 1);
  CHECK(later.batches[0].first == Lsn{301});
  run.store().close_catch_up(id);
}

TEST_CASE("A batch that is larger than a chunk still comes") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(2, 1, 2'000'000, true)));
  const std::uint64_t id = run.store().open_catch_up(Lsn{0}, false);
  CHECK(next_chunk(run, id, 10).batches.size() == 1);
  CHECK(next_chunk(run, id, 10).batches.size() == 1);
  CHECK(next_chunk(run, id, 10).at_log_end);
}

TEST_CASE("Rows are of one checkpoint, although the next one is committed meanwhile; then its batches follow") {
  Directory directory;
  Running run(directory.path());
  std::vector<Row> rows;
  for (int i = 0; i < 1'000; ++i) rows.push_back(make_row(1, std::to_string(i), "old"));
  rows.push_back(make_row(2, "big", std::string(300'000, 'b')));
  run.append(20, 3, 100);
  REQUIRE(run.checkpoint(Lsn{30}, "old info", rows));
  const std::uint64_t id = run.store().open_catch_up(Lsn{999}, true);
  const Chunk first = next_chunk(run, id, 1'000);
  CHECK(first.rows_lsn == Lsn{30});
  CHECK(first.checkpoint_info == "old info");
  CHECK(first.rows_total_bytes > 300'000);
  CHECK_FALSE(first.rows_end);

  for (Row& row : rows) row.value = "new";
  run.append(10, 3, 100);
  REQUIRE(run.checkpoint(Lsn{60}, "new info", rows));
  std::set<std::string> keys;
  for (const Row& row : first.rows) keys.insert(row.key);
  Lsn position{30};
  for (bool end = false; !end;) {
    const Chunk chunk = next_chunk(run, id, 5'000);
    CHECK(chunk.error == std::nullopt);
    for (const Row& row : chunk.rows) {
      CHECK(keys.insert(row.key).second);
      CHECK((row.value == "old" || row.value == std::string(300'000, 'b')));
      CHECK(chunk.rows_lsn == Lsn{30});
    }
    for (const Batch& batch : chunk.batches) {
      CHECK(keys.size() == 1'001);
      CHECK(batch.first == position.next());
      position = batch.last();
    }
    end = chunk.at_log_end;
  }
  CHECK(position == Lsn{90});
}

TEST_CASE("A store without rows gives an end of rows at once") {
  Directory directory;
  Running run(directory.path());
  const std::uint64_t id = run.store().open_catch_up(Lsn{0}, true);
  const Chunk chunk = next_chunk(run, id, 1'000);
  CHECK(chunk.rows_end);
  CHECK(chunk.rows_lsn == Lsn{0});
  CHECK(chunk.at_log_end);
}

TEST_CASE("What the log no longer holds is a gap") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(100, 3, 1'000, true)));
  const std::uint64_t early = run.store().open_catch_up(Lsn{30}, false);
  CHECK(next_chunk(run, early, 5'000).batches.size() == 5);
  REQUIRE(run.checkpoint(Lsn{150}, "", {make_row(1, "a", "b")}));
  run.store().trim(Lsn{150});
  REQUIRE(run.until([&] { return run.trimmed_to == Lsn{150}; }));
  const Chunk gap = next_chunk(run, early, 5'000);
  CHECK(gap.gap);
  CHECK(gap.batches.empty());
  CHECK_FALSE(gap.error);
  run.store().close_catch_up(early);

  CHECK_FALSE(next_chunk(run, run.store().open_catch_up(Lsn{150}, false), 5'000).gap);
  CHECK(next_chunk(run, run.store().open_catch_up(Lsn{149}, false), 5'000).gap);
  // A position between two borders belongs to another log.
  CHECK(next_chunk(run, run.store().open_catch_up(Lsn{200}, false), 5'000).gap);
  // One that is not durable here yet does not.
  CHECK(next_chunk(run, run.store().open_catch_up(Lsn{400}, false), 5'000).at_log_end);
}

TEST_CASE("Two catch-ups at a time do not disturb each other") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(10, 1, 1'000, true)));
  const std::uint64_t a = run.store().open_catch_up(Lsn{0}, false);
  const std::uint64_t b = run.store().open_catch_up(Lsn{5}, false);
  for (std::uint64_t lsn = 1; lsn <= 5; ++lsn) {
    CHECK(next_chunk(run, a, 1).batches[0].first == Lsn{lsn});
    CHECK(next_chunk(run, b, 1).batches[0].first == Lsn{lsn + 5});
  }
}

TEST_CASE("A catch-up follows a log that is being written, without a hole") {
  Directory directory;
  StoreOptions options = test_options();
  options.wal_fold_bytes = 256 << 10;
  options.group_commit_ms = 1;
  Running run(directory.path(), options);
  const std::uint64_t id = run.store().open_catch_up(Lsn{0}, false);
  Lsn position;
  Lsn last;
  bool asked = false;
  for (int round = 0; round < 3'000 || position < last; ++round) {
    if (round < 3'000) last = run.append(1, 5, 700, round % 7 == 0);
    if (!asked) run.store().next_chunk(id, 20'000);
    asked = true;
    if (round >= 3'000) run.store().commit_now();
    REQUIRE(run.until([&] { return round < 3'000 || !run.chunks.empty(); }));
    for (const Chunk& chunk : run.chunks) {
      asked = false;
      REQUIRE_FALSE(chunk.gap);
      for (const Batch& batch : chunk.batches) {
        REQUIRE(batch.first == position.next());
        position = batch.last();
      }
    }
    run.chunks.clear();
  }
  CHECK(position == last);
}

TEST_CASE("Damage ends a catch-up with an Error, each time it is asked") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 1'000);
  REQUIRE(run.checkpoint(Lsn{3}, "", {make_row(1, "a", "1"), make_row(1, "b", "2")}));
  run.close();
  SUBCASE("in the log") {
    Raw(directory.file("log.db")).run("UPDATE batch SET bytes = x'00' WHERE first = 13");
    run.open();
    const std::uint64_t id = run.store().open_catch_up(Lsn{0}, false);
    const Chunk chunk = next_chunk(run, id, 100'000);
    REQUIRE(chunk.error.has_value());
    CHECK(chunk.error->message.find("lsn 13") != std::string::npos);
    CHECK(next_chunk(run, id, 100'000).error.has_value());
  }
  SUBCASE("in the rows") {
    Raw(directory.file("state.db")).run("UPDATE entity SET value = x'00' WHERE key = x'62'");
    run.open();
    const Chunk chunk = next_chunk(run, run.store().open_catch_up(Lsn{0}, true), 100'000);
    REQUIRE(chunk.error.has_value());
    CHECK(chunk.error->message.find("state.db") != std::string::npos);
  }
}

}  // namespace tandem::store::testing
