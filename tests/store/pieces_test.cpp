// The small pieces: the spool of a checkpoint, the ballast, the directory lock, the queue of events, the waiting.
#include <poll.h>

#include <filesystem>
#include <thread>

#include "raw.hpp"
#include "store/ballast.hpp"
#include "store/directory.hpp"
#include "store/event_queue.hpp"
#include "store/progress.hpp"
#include "store/spool.hpp"
#include "test.hpp"

namespace tandem::store::testing {

TEST_CASE("A spool plays back its rows in order and leaves no file behind") {
  Directory directory;
  Spool spool;
  bool full = false;
  CHECK(spool.empty());
  REQUIRE(spool.append(directory.path(), {make_row(1, "a", "x"), erased_row(2, "b")}, full).ok());
  REQUIRE(spool.append(directory.path(), {}, full).ok());
  REQUIRE(spool.append(directory.path(), {make_row(3, "", std::string(3'000'000, 'z'))}, full).ok());
  CHECK(directory.names().empty());
  for (int round = 0; round < 2; ++round) {
    std::vector<Row> rows;
    REQUIRE(spool
                .replay([&](const Row& row) {
                  rows.push_back(row);
                  return Status{};
                })
                .ok());
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].value == "x");
    CHECK(rows[1].erased);
    CHECK(rows[2].value.size() == 3'000'000);
  }
  CHECK_FALSE(spool.replay([](const Row&) -> Status { return Error{"no"}; }).ok());
  spool.clear();
  CHECK(spool.empty());
  CHECK(spool.replay([](const Row&) -> Status { return Error{"no"}; }).ok());
  CHECK_FALSE(Spool().append("/no/such/directory", {make_row(1, "a", "x")}, full).ok());
  CHECK_FALSE(full);
}

TEST_CASE("The ballast is made, released once, and made again when there is room") {
  Directory directory;
  Ballast ballast(directory.path());
  CHECK(ballast.present());
  CHECK(file_bytes(directory.file("ballast")) == 1'000'000);
  CHECK(ballast.release());
  CHECK_FALSE(ballast.release());
  CHECK(file_bytes(directory.file("ballast")) == 0);
  CHECK_FALSE(ballast.present());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!ballast.restore() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(ballast.present());
  CHECK(file_bytes(directory.file("ballast")) == 1'000'000);
}

TEST_CASE("A directory's lock is free again when its holder is gone") {
  Directory directory;
  {
    const auto first = DirectoryLock::take(directory.path());
    REQUIRE(first.ok());
    CHECK_FALSE(DirectoryLock::take(directory.path()).ok());
  }
  CHECK(DirectoryLock::take(directory.path()).ok());
}

TEST_CASE("Events are taken once; durable and disk_full stay") {
  EventQueue queue;
  pollfd readable{queue.fd(), POLLIN, 0};
  CHECK(::poll(&readable, 1, 0) == 0);
  queue.post([](Events& events) {
    events.durable = Lsn{7};
    events.disk_full = true;
    events.tokens.push_back(1);
  });
  queue.post([](Events& events) { events.tokens.push_back(2); });
  CHECK(::poll(&readable, 1, 0) == 1);
  Events events = queue.take();
  CHECK(events.tokens == std::vector<std::uint64_t>{1, 2});
  CHECK(::poll(&readable, 1, 0) == 0);
  events = queue.take();
  CHECK(events.durable == Lsn{7});
  CHECK(events.disk_full);
  CHECK(events.tokens.empty());
}

TEST_CASE("An error is told once until it changes or work succeeds") {
  EventQueue queue;
  ErrorReport report(queue);
  report.failure(Error{"a"});
  report.failure(Error{"a"});
  report.failure(Error{"b"});
  report.success();
  report.failure(Error{"b"});
  CHECK(queue.take().errors.size() == 3);
}

TEST_CASE("Progress wakes who waits for it, and abandon() everybody") {
  Progress progress;
  std::thread log([&] { progress.log_finished(5); });
  CHECK(progress.wait_log(5));
  log.join();
  CHECK(progress.wait_both(5, 0, std::chrono::milliseconds(0)));
  CHECK_FALSE(progress.wait_both(5, 1, std::chrono::milliseconds(0)));
  std::thread abandoning([&] { progress.abandon(); });
  CHECK_FALSE(progress.wait_state(1));
  abandoning.join();
  CHECK(progress.wait_log(4));
}

}  // namespace tandem::store::testing
