// Silent damage: whatever is flipped, deleted or mixed up on disk is noticed and named, never served.
#include <filesystem>

#include "raw.hpp"
#include "store/wal_check.hpp"
#include "test.hpp"

namespace tandem::store::testing {

namespace {

std::string opening_error(const std::string& path) {
  StoreOptions options = test_options();
  options.directory = path;
  const auto opened = open_store(options);
  return opened.ok() ? "" : opened.error().message;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string log_error(Store& store, Lsn after) {
  const Status status = store.load_log(after, [](Batch&&) { return Status{}; });
  return status.ok() ? "" : status.error().message;
}

// A copy of a running store's files, as a crash leaves them.
void copy_files(const std::string& from, const std::string& to) {
  std::filesystem::create_directories(to);
  for (const char* name : {"log.db", "log.db-wal", "state.db", "state.db-wal"}) {
    if (file_bytes(from + "/" + name) > 0) std::filesystem::copy_file(from + "/" + name, to + "/" + name);
  }
}

}  // namespace

TEST_CASE("A changed column of a batch is an Error with file and lsn") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 1'000);
  run.close();
  for (const char* change : {"bytes = zeroblob(1000)", "bytes = substr(bytes, 1, 999)", "count = 2", "epoch_number = 8",
                             "epoch_node = 1", "epoch_store = 1", "time_ms = 0", "stream_end = 1", "seal = seal + 1"}) {
    CAPTURE(change);
    Raw(directory.file("log.db")).run("CREATE TABLE saved AS SELECT * FROM batch WHERE first = 13");
    Raw(directory.file("log.db")).run(std::string("UPDATE batch SET ") + change + " WHERE first = 13");
    run.open();
    const std::string error = log_error(run.store(), Lsn{0});
    CHECK(mentions(error, "log.db"));
    CHECK(mentions(error, "lsn 13"));
    CHECK(log_error(run.store(), Lsn{15}).empty());  // behind it all is well
    run.close();
    Raw(directory.file("log.db")).run("INSERT OR REPLACE INTO batch SELECT * FROM saved; DROP TABLE saved");
  }
  run.open();
  CHECK(log_error(run.store(), Lsn{0}).empty());
}

TEST_CASE("A byte flipped inside a batch's bytes in the file is an Error with file and lsn") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 100'000);  // far more than a page: most of the file is batch bytes
  run.close();
  int seen = 0;
  for (std::uintmax_t at = 200'000; at < 900'000; at += 150'000) {
    flip_byte(directory.file("log.db"), at);
    run.open();
    const std::string error = log_error(run.store(), Lsn{0});
    CHECK(mentions(error, "log.db"));
    CHECK(mentions(error, "lsn "));
    ++seen;
    run.close();
    flip_byte(directory.file("log.db"), at);
  }
  CHECK(seen == 5);
}

TEST_CASE("A missing batch is an Error, in the middle, at the start and at the end") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 100);
  run.close();
  SUBCASE("in the middle") {
    Raw(directory.file("log.db")).run("DELETE FROM batch WHERE first = 13");
    run.open();
    CHECK(mentions(log_error(run.store(), Lsn{0}), "lsn 13"));
  }
  SUBCASE("at the start") {
    Raw(directory.file("log.db")).run("DELETE FROM batch WHERE first = 1");
    run.open();
    CHECK(mentions(log_error(run.store(), Lsn{0}), "lsn 1:"));
  }
  SUBCASE("at the end, while the store runs") {
    run.open();
    Raw(directory.file("log.db")).run("DELETE FROM batch WHERE first = 28");
    CHECK(mentions(log_error(run.store(), Lsn{0}), "lsn 28"));
  }
}

TEST_CASE("A changed row is an Error with file, kind and key") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(
      run.checkpoint(run.append(1), "info",
                     {make_row(1, "a", "1"), make_row(2, "b\n", "2"), make_row(3, "big", std::string(150'000, 'x'))}));
  run.close();
  const auto rows_error = [&] {
    run.open();
    const Status status = run.store().load_rows([](Row&&) { return Status{}; });
    const std::string error = status.ok() ? "" : status.error().message;
    run.close();
    return error;
  };
  const std::string path = directory.file("state.db");
  std::string error;
  SUBCASE("value") {
    Raw(path).run("UPDATE entity SET value = x'33' WHERE kind = 2");
    error = rows_error();
    CHECK(mentions(error, "kind 2"));
    CHECK(mentions(error, "b\\x0a"));
  }
  SUBCASE("kind") {
    Raw(path).run("UPDATE entity SET kind = 9 WHERE kind = 2");
    CHECK(mentions(rows_error(), "kind 9"));
  }
  SUBCASE("key") {
    Raw(path).run("UPDATE entity SET key = x'63' WHERE kind = 2");
    CHECK(mentions(rows_error(), "key \"c\""));
  }
  SUBCASE("number of parts") {
    Raw(path).run("UPDATE entity SET parts = 1 WHERE kind = 3");
    CHECK(mentions(rows_error(), "kind 3"));
  }
  SUBCASE("a part") {
    Raw(path).run("UPDATE part SET value = zeroblob(10) WHERE part = 2");
    CHECK(mentions(rows_error(), "checksum of a part"));
  }
  SUBCASE("a missing part") {
    Raw(path).run("DELETE FROM part WHERE part = 1");
    CHECK(mentions(rows_error(), "a part is missing"));
  }
}

TEST_CASE("Changed notes and heads are found when the store is opened") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.checkpoint(run.append(1), "info", {make_row(1, "a", "1")}));
  run.store().write_meta("meta", 1);
  REQUIRE(run.until_token(1));
  run.close();
  struct Case {
    const char* file;
    const char* change;
    const char* error;
  };
  for (const Case& c :
       {Case{"log.db", "UPDATE meta SET bytes = x'00'", "table meta"},
        Case{"log.db", "UPDATE head SET base = 2", "table head"},
        Case{"log.db", "UPDATE head SET wiping = 1", "table head"}, Case{"log.db", "DELETE FROM head", "table head"},
        Case{"state.db", "UPDATE checkpoint SET lsn = 2", "table checkpoint"},
        Case{"state.db", "UPDATE checkpoint SET info = x'00'", "table checkpoint"},
        Case{"state.db", "UPDATE head SET identity = 5", "different stores"},
        Case{"state.db", "DELETE FROM head", "table head"}}) {
    CAPTURE(c.change);
    const std::string path = directory.file("copy");
    std::filesystem::remove_all(path);
    copy_files(directory.path(), path);
    CHECK(opening_error(path).empty());
    Raw(path + "/" + c.file).run(c.change);
    const std::string error = opening_error(path);
    CHECK(mentions(error, c.error));
    CHECK(mentions(error, "start empty"));
  }
}

TEST_CASE("A missing file, an older state.db and garbage are refused") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 1'000);
  REQUIRE(run.checkpoint(Lsn{9}, "info", {make_row(1, "a", "1")}));
  run.close();
  const std::string old_state = directory.file("old-state.db");
  std::filesystem::copy_file(directory.file("state.db"), old_state);
  run.open();
  REQUIRE(run.checkpoint(Lsn{21}, "info", {make_row(1, "a", "2")}));
  run.store().trim(Lsn{21});
  REQUIRE(run.until([&] { return run.trimmed_to == Lsn{21}; }));
  run.close();
  SUBCASE("no state.db") {
    std::filesystem::remove(directory.file("state.db"));
    CHECK(mentions(opening_error(directory.path()), "state.db: is missing"));
    CHECK(mentions(opening_error(directory.path()), "state.db: is missing"));  // nothing was made in its place
  }
  SUBCASE("no log.db") {
    std::filesystem::remove(directory.file("log.db"));
    CHECK(mentions(opening_error(directory.path()), "log.db: is missing"));
    CHECK(mentions(opening_error(directory.path()), "log.db: is missing"));
  }
  SUBCASE("a state.db from before the log was trimmed") {
    std::filesystem::copy_file(old_state, directory.file("state.db"),
                               std::filesystem::copy_options::overwrite_existing);
    CHECK(mentions(opening_error(directory.path()), "the log follows lsn 21, but the rows hold State at 9"));
  }
  SUBCASE("an empty log.db") {
    std::filesystem::resize_file(directory.file("log.db"), 0);
    CHECK(mentions(opening_error(directory.path()), "log.db: is empty"));
    CHECK(mentions(opening_error(directory.path()), "log.db: is empty"));
  }
  SUBCASE("garbage") {
    for (std::uintmax_t i = 0; i < 100; ++i) flip_byte(directory.file("state.db"), i);
    CHECK(mentions(opening_error(directory.path()), "state.db"));
  }
}

TEST_CASE("A bit flipped in a write-ahead file is not taken for the end of the log") {
  Directory directory;
  Running run(directory.path());
  for (int i = 0; i < 30; ++i) REQUIRE(run.until_durable(run.append(1, 1, 500, true)));
  const std::string crashed = directory.file("crashed");
  copy_files(directory.path(), crashed);
  const std::string wal = crashed + "/log.db-wal";
  const std::uintmax_t page_bytes =
      static_cast<std::uintmax_t>(std::stoi(Raw(directory.file("log.db")).text("PRAGMA page_size")));
  const std::uintmax_t frame = 24 + page_bytes;

  CHECK(check_write_ahead_file(wal).ok());
  for (const std::uintmax_t at : {std::uintmax_t{2}, std::uintmax_t{18}, std::uintmax_t{26}, 32 + 24 + page_bytes / 2,
                                  32 + 10 * frame + 9, 32 + 10 * frame + 17, 32 + 20 * frame + 5'000}) {
    CAPTURE(at);
    flip_byte(wal, at);
    const Status checked = check_write_ahead_file(wal);
    REQUIRE_FALSE(checked.ok());
    CHECK(mentions(checked.error().message, "log.db-wal"));
    CHECK(mentions(opening_error(crashed), "log.db-wal"));
    flip_byte(wal, at);
  }
  Running again(crashed);
  CHECK(again.store().found().log_last == Lsn{30});
}

TEST_CASE("A torn last commit in a write-ahead file is no damage") {
  Directory directory;
  Running run(directory.path());
  for (int i = 0; i < 10; ++i) REQUIRE(run.until_durable(run.append(1, 1, 500, true)));
  REQUIRE(run.until_durable(run.append(1, 1, 200'000, true)));  // many frames, one commit
  const std::string crashed = directory.file("crashed");
  copy_files(directory.path(), crashed);
  // The last frame with content, found from the end.
  const std::string wal = crashed + "/log.db-wal";
  const std::uintmax_t page_bytes =
      static_cast<std::uintmax_t>(std::stoi(Raw(directory.file("log.db")).text("PRAGMA page_size")));
  const std::uintmax_t torn_at = 32 + (10 + 5) * (24 + page_bytes) + 100;
  flip_byte(wal, torn_at);
  CHECK(check_write_ahead_file(wal).ok());
  Running again(crashed);
  CHECK(again.store().found().log_last == Lsn{10});
}

TEST_CASE("A deleted write-ahead file is told to people; one that was closed in order is not") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(3, 1, 500, true)));
  const std::string crashed = directory.file("crashed");
  copy_files(directory.path(), crashed);
  std::filesystem::remove(crashed + "/log.db-wal");
  {
    Running again(crashed);
    again.until([] { return true; });
    REQUIRE(again.errors.size() == 1);
    CHECK(mentions(again.errors[0], "log.db-wal: is missing"));
  }
  Running orderly(crashed);
  orderly.until([] { return true; });
  CHECK(orderly.errors.empty());
}

}  // namespace tandem::store::testing
