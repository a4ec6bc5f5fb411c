// The log: what is durable when, what a restart finds, trimming.
#include <poll.h>

#include "raw.hpp"
#include "shim_vfs.hpp"
#include "test.hpp"

namespace tandem::store::testing {

TEST_CASE("A directory without a store becomes a fresh, empty one") {
  Directory directory;
  Running run(directory.file("deeper/store"));
  const Found& found = run.store().found();
  CHECK(found.fresh);
  CHECK(found.meta.empty());
  CHECK(found.checkpoint == Lsn{0});
  CHECK(found.log_first == Lsn{0});
  CHECK(found.log_last == Lsn{0});
  CHECK(run.store().log_first() == Lsn{1});
  CHECK(run.store().log_bytes() == 0);
  CHECK(run.rows().empty());
  CHECK(run.log(Lsn{0}).empty());
  run.close();
  run.open();
  CHECK(run.store().found().fresh);  // still nothing was written
  SUBCASE("a batch") {
    run.append(1);
  }
  SUBCASE("a meta") {
    run.store().write_meta("m", 1);
  }
  SUBCASE("rows") {
    REQUIRE(run.checkpoint(Lsn{5}, "", {}, true));
  }
  run.close();
  run.open();
  CHECK_FALSE(run.store().found().fresh);
}

TEST_CASE("A second opener of the same directory is refused") {
  Directory directory;
  Running run(directory.path());
  StoreOptions options = test_options();
  options.directory = directory.path();
  const auto second = open_store(options);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message.find("another process uses this store") != std::string::npos);
}

TEST_CASE("A directory that cannot be made is an Error that names it") {
  StoreOptions options = test_options();
  options.directory = "/proc/no-such/store";
  const auto opened = open_store(options);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("/proc/no-such/store") != std::string::npos);
}

TEST_CASE("Batches come back after a restart: equal, in order, of every size") {
  Directory directory;
  Running run(directory.path());
  std::vector<Batch> given;
  const std::size_t sizes[] = {0, 1, 100, 4096, 16'384, 65'536, 70'000, 2'000'100};
  Lsn next{1};
  for (const std::size_t size : sizes) {
    given.push_back(make_batch(next, static_cast<std::uint32_t>(1 + size % 7), size));
    next = given.back().last().next();
    run.store().append(given.back(), size % 2 == 0);
  }
  run.close();  // commits what is pending
  run.open();
  CHECK(run.store().found().log_first == Lsn{1});
  CHECK(run.store().found().log_last == given.back().last());
  CHECK(run.store().log_bytes() == 0 + 1 + 100 + 4096 + 16'384 + 65'536 + 70'000 + 2'000'100);
  const std::vector<Batch> found = run.log(Lsn{0});
  REQUIRE(found.size() == given.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(same(found[i], given[i]));
  CHECK(run.log(given[3].last()).size() == given.size() - 4);
  CHECK(run.log(given.back().last()).empty());
}

TEST_CASE("An urgent batch is durable without waiting for the group") {
  Directory directory;
  StoreOptions options = test_options();
  options.group_commit_ms = 3'600'000;
  Running run(directory.path(), options);
  const Lsn first = run.append(5);
  CHECK(run.until([&] { return true; }));
  CHECK(run.durable == Lsn{0});
  const Lsn last = run.append(1, 3, 100, true);
  CHECK(last > first);
  CHECK(run.until_durable(last));
}

TEST_CASE("A group is committed when it is old enough, large enough, or told to") {
  Directory directory;
  StoreOptions options = test_options();
  SUBCASE("old enough") {
    options.group_commit_ms = 20;
    Running run(directory.path(), options);
    CHECK(run.until_durable(run.append(3)));
    CHECK(run.until_durable(run.append(1)));
  }
  SUBCASE("large enough") {
    options.group_commit_ms = 3'600'000;
    options.group_commit_bytes = 10'000;
    Running run(directory.path(), options);
    CHECK(run.until_durable(run.append(10, 3, 1'000)));
  }
  SUBCASE("told to") {
    options.group_commit_ms = 3'600'000;
    Running run(directory.path(), options);
    const Lsn last = run.append(2);
    run.store().commit_now();
    CHECK(run.until_durable(last));
  }
}

TEST_CASE("durable covers a batch only after the write-ahead file was synced") {
  Directory directory;
  ShimVfs shim;
  Running run(directory.path());
  for (int i = 0; i < 20; ++i) {
    const int before = shim.syncs("/log.db-wal");
    REQUIRE(run.until_durable(run.append(1, 1, 100, true)));
    CHECK(shim.syncs("/log.db-wal") > before);
  }
}

TEST_CASE("The files have the settings that the promises need") {
  Directory directory;
  {
    Running run(directory.path());
    run.until_durable(run.append(1, 1, 100, true));
    run.checkpoint(Lsn{1}, "i", {make_row(1, "k", "v")});
  }
  for (const char* name : {"log.db", "state.db"}) {
    Raw raw(directory.file(name));
    CHECK(raw.text("PRAGMA journal_mode") == "wal");
    CHECK(raw.text("PRAGMA integrity_check") == "ok");
    CHECK(raw.text("PRAGMA user_version") == "1");
  }
}

TEST_CASE("The event descriptor is readable exactly when there is something to take") {
  Directory directory;
  StoreOptions options = test_options();
  options.group_commit_ms = 3'600'000;
  Running run(directory.path(), options);
  run.until([] { return true; });
  pollfd readable{run.store().event_fd(), POLLIN, 0};
  CHECK(::poll(&readable, 1, 0) == 0);
  run.append(1);
  CHECK(::poll(&readable, 1, 0) == 0);
  run.store().commit_now();
  CHECK(::poll(&readable, 1, 20'000) == 1);
  run.until_durable(Lsn{3});
  CHECK(::poll(&readable, 1, 0) == 0);
}

TEST_CASE("Meta is durable after the batches before it, and the last one counts") {
  Directory directory;
  ShimVfs shim;
  Running run(directory.path());
  for (std::uint64_t i = 1; i <= 50; ++i) {
    run.append(1, 1, 500, i % 3 == 0);
    run.store().write_meta("meta " + std::to_string(i), i);
  }
  REQUIRE(run.until_token(50));
  CHECK(run.durable == Lsn{50});
  REQUIRE(run.tokens.size() == 50);
  for (std::uint64_t i = 0; i < 50; ++i) CHECK(run.tokens[i] == i + 1);
  run.store().write_meta(std::string(100'000, 'm'), 51);
  run.close();
  run.open();
  CHECK(run.store().found().meta == std::string(100'000, 'm'));
  CHECK(run.store().found().log_last == Lsn{50});
}

TEST_CASE("Trimming forgets whole batches, never beyond the checkpoint, and lasts") {
  Directory directory;
  Running run(directory.path());
  const Lsn last = run.append(100, 3, 1'000, true);  // 1-3, 4-6, ...
  REQUIRE(run.until_durable(last));
  run.store().trim(Lsn{50});
  REQUIRE(run.until_durable(run.append(1, 3, 1'000, true)));
  CHECK(run.store().log_first() == Lsn{1});  // no checkpoint yet

  REQUIRE(run.checkpoint(Lsn{60}, "info", {make_row(1, "a", "b")}));
  run.store().trim(Lsn{50});
  REQUIRE(run.until([&] { return run.trimmed_to == Lsn{48}; }));
  CHECK(run.store().log_first() == Lsn{49});
  CHECK(run.store().log_bytes() == (101 - 16) * 1'000);
  run.store().trim(Lsn{303});
  REQUIRE(run.until([&] { return run.trimmed_to == Lsn{60}; }));
  CHECK(run.store().log_bytes() == (101 - 20) * 1'000);
  run.close();
  run.open();
  CHECK(run.store().found().log_first == Lsn{61});
  CHECK(run.store().found().log_last == Lsn{303});
  CHECK(run.store().log_first() == Lsn{61});
  CHECK(run.store().log_bytes() == (101 - 20) * 1'000);
  CHECK(run.log(Lsn{60}).size() == 81);
  const Status too_early = run.store().load_log(Lsn{48}, [](Batch&&) { return Status{}; });
  REQUIRE_FALSE(too_early.ok());
  CHECK(too_early.error().message.find("log.db") != std::string::npos);
  CHECK(too_early.error().message.find("49") != std::string::npos);
}

TEST_CASE("A log that was trimmed to its end goes on behind it") {
  Directory directory;
  Running run(directory.path());
  const Lsn last = run.append(300, 2, 3'000);
  REQUIRE(run.checkpoint(last, "", {}));
  run.store().trim(last);
  REQUIRE(run.until([&] { return run.trimmed_to == last; }));
  CHECK(run.store().log_bytes() == 0);
  CHECK(run.store().log_first() == last.next());
  run.close();
  run.open();
  CHECK(run.store().found().log_last == Lsn{0});
  CHECK(run.store().log_first() == last.next());
  const Lsn later = run.append(2);
  run.close();
  run.open();
  CHECK(run.store().found().log_first == last.next());
  CHECK(run.store().found().log_last == later);
}

TEST_CASE("A steady log with trims does not grow on disk") {
  constexpr std::uintmax_t round_bytes = 400 * 10'000;
  Directory directory;
  StoreOptions options = test_options();
  options.wal_fold_bytes = 1 << 20;
  options.group_commit_bytes = 64 << 10;
  Running run(directory.path(), options);
  for (int round = 0; round < 8; ++round) {
    const Lsn last = run.append(400, 10, 10'000);
    REQUIRE(run.checkpoint(last, "", {}));
    run.store().trim(last);
    REQUIRE(run.until([&] { return run.trimmed_to == last; }));
  }
  run.close();  // how much of it lies in the write-ahead file before is a matter of the machine's other load
  CHECK(file_bytes(directory.file("log.db-wal")) == 0);
  CHECK(file_bytes(directory.file("log.db")) <= 3 * round_bytes);  // without trims it would be more than 8
}

TEST_CASE("A visitor's Error ends a load and is returned") {
  Directory directory;
  Running run(directory.path());
  run.append(3);
  int visited = 0;
  const Status status = run.store().load_log(Lsn{0}, [&](Batch&&) -> Status {
    ++visited;
    return Error{"enough"};
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message == "enough");
  CHECK(visited == 1);
}

TEST_CASE("A file of a newer format is refused, not touched") {
  Directory directory;
  { Running run(directory.path()); }
  Raw(directory.file("log.db")).run("PRAGMA user_version = 2");
  StoreOptions options = test_options();
  options.directory = directory.path();
  const auto opened = open_store(options);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("has format 2") != std::string::npos);
}

}  // namespace tandem::store::testing
