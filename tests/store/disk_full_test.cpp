// A full disk: nothing is dropped, people are told once, and it goes on when there is room.
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <vector>

#include "raw.hpp"
#include "shim_vfs.hpp"
#include "test.hpp"

namespace tandem::store::testing {

namespace {

bool has_ballast(const Directory& directory) {
  return file_bytes(directory.file("ballast")) == 1'000'000;
}

}  // namespace

TEST_CASE("Appends wait in memory while the disk is full, and are all durable afterwards") {
  Directory directory;
  ShimVfs shim;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(10, 3, 500, true)));
  CHECK(has_ballast(directory));
  shim.set_full(true);
  const Lsn last = run.append(50, 3, 500, true);
  run.store().write_meta("meta", 1);
  REQUIRE(run.until([&] { return run.disk_full && !run.errors.empty(); }));
  CHECK(run.durable == Lsn{30});
  CHECK_FALSE(has_ballast(directory));
  CHECK(run.errors[0].find("log.db") != std::string::npos);
  // The next error, told after the disk has been full again, is the second one: retries between did not tell.
  shim.set_full(false);
  REQUIRE(run.until_token(1));
  CHECK(run.durable == last);
  REQUIRE(run.until([&] { return !run.disk_full; }));
  CHECK(has_ballast(directory));
  CHECK(run.errors.size() == 1);
  shim.set_full(true);
  run.append(1, 3, 500, true);
  REQUIRE(run.until([&] { return run.errors.size() == 2; }));
  shim.set_full(false);
  run.close();
  run.open();
  CHECK(run.log(Lsn{0}).size() == 61);
  CHECK(run.store().found().meta == "meta");
}

TEST_CASE("A disk that fills up at any point of a commit leaves it whole or not at all") {
  Directory directory;
  ShimVfs shim;
  StoreOptions options = test_options();
  options.wal_fold_bytes = 200 << 10;
  Running run(directory.path(), options);
  Lsn last;
  for (std::int64_t room = 0; room < 200'000; room += 7'000) {
    CAPTURE(room);
    const std::size_t errors = run.errors.size();
    shim.set_room(room);
    last = run.append(30, 3, 3'000, true);
    const bool enough_or_told = run.until([&] { return run.durable == last || run.errors.size() > errors; });
    REQUIRE(enough_or_told);
    shim.set_room(-1);
    REQUIRE(run.until_durable(last));
  }
  const std::vector<Batch> log = run.log(Lsn{0});
  CHECK(log.size() == last.value / 3);
  for (const Batch& batch : log) REQUIRE(same(batch, make_batch(batch.first, 3, 3'000)));
}

TEST_CASE("A checkpoint that meets a full disk is complete afterwards") {
  Directory directory;
  ShimVfs shim;
  Running run(directory.path());
  REQUIRE(run.checkpoint(run.append(1), "old", {make_row(1, "a", "old"), make_row(1, "gone", "old")}));
  const Lsn at = run.append(1, 3, 100, true);
  REQUIRE(run.until_durable(at));
  run.store().begin_checkpoint(at, "new", false);
  run.store().put_rows({make_row(1, "a", "new"), erased_row(1, "gone"), make_row(1, "big", std::string(200'000, 'n'))});
  REQUIRE(run.until([&] { return run.store().rows_in_flight_bytes() == 0; }));
  shim.set_full(true);
  run.store().put_rows({make_row(1, "b", "new")});
  run.store().commit_checkpoint(1);
  REQUIRE(run.until([&] { return run.disk_full && !run.errors.empty(); }));
  CHECK(run.errors[0].find("state.db") != std::string::npos);
  shim.set_full(false);
  REQUIRE(run.until_token(1));
  run.close();
  run.open();
  CHECK(run.store().found().checkpoint == at);
  CHECK(run.store().found().checkpoint_info == "new");
  const std::vector<Row> rows = run.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].value == "new");
  CHECK(rows[1].value == "new");
  CHECK(rows[2].value == std::string(200'000, 'n'));
}

TEST_CASE("A checkpoint larger than SQLite's cache meets a full disk while rows still come") {
  Directory directory;
  ShimVfs shim;
  Running run(directory.path());
  const Lsn at = run.append(1, 3, 100, true);
  REQUIRE(run.until_durable(at));
  run.store().begin_checkpoint(at, "", true);
  shim.set_room(1 << 20);
  const auto put = [&](int from) {
    std::vector<Row> rows;
    for (int i = from; i < from + 200; ++i)
      rows.push_back(make_row(1, std::to_string(100'000 + i), std::string(5'000, 'x')));
    run.store().put_rows(std::move(rows));
  };
  for (int i = 0; i < 4'400; i += 200) put(i);
  REQUIRE(run.until([&] { return run.disk_full; }));
  for (int i = 4'400; i < 4'800; i += 200) put(i);
  shim.set_room(-1);
  run.store().commit_checkpoint(1);
  REQUIRE(run.until_token(1));
  CHECK(run.rows().size() == 4'800);
}

TEST_CASE("Closing on a disk that stays full ends, and what was durable before stays") {
  Directory directory;
  ShimVfs shim;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(10, 3, 500, true)));
  shim.set_full(true);
  run.append(3, 3, 500, true);
  run.store().begin_checkpoint(Lsn{30}, "", false);
  run.store().commit_checkpoint(1);
  run.close();
  shim.set_full(false);
  run.open();
  CHECK(run.store().found().log_last == Lsn{30});
  CHECK(run.store().found().checkpoint == Lsn{0});
}

TEST_CASE("Trimming makes room while appends do not fit") {
  Directory directory;
  ShimVfs shim;
  Running run(directory.path());
  const Lsn last = run.append(20, 3, 10'000, true);
  REQUIRE(run.checkpoint(last, "", {}));
  shim.set_full(true);
  const Lsn more = run.append(200, 3, 10'000, true);
  REQUIRE(run.until([&] { return run.disk_full; }));
  run.store().trim(last);
  shim.set_room(1 << 20);  // enough for the trim, not for the appends
  REQUIRE(run.until([&] { return run.trimmed_to == last; }));
  CHECK(run.durable == last);
  shim.set_room(-1);
  REQUIRE(run.until_durable(more));
}

namespace {

// Writes until nothing more fits.
void fill(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  for (const std::size_t size : {std::size_t{65'536}, std::size_t{512}}) {
    const std::string block(size, 'f');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) continue;
    file.clear();
  }
}

// In a child with a small file system of its own. Exit code 0: as it should be; 77: no right to mount.
int fill_small_disk(const std::string& path) {
  if (::unshare(CLONE_NEWNS) != 0) return 77;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  if (::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=48m") != 0) return 77;
  StoreOptions options = test_options();
  options.wal_fold_bytes = 2 << 20;
  Running run(path + "/store", options);
  if (!run.until_durable(run.append(5, 3, 1'000, true))) return 1;
  const std::string filler = path + "/filler";
  fill(filler);
  const Lsn last = run.append(150, 3, 40'000, true);  // 6 MB
  if (!run.until([&] { return run.disk_full && !run.errors.empty(); })) return 2;
  if (run.durable >= last) return 3;
  const std::size_t told = run.errors.size();
  ::unlink(filler.c_str());
  if (!run.until_durable(last)) return 4;
  if (!run.until([&] { return !run.disk_full; })) return 5;
  if (run.errors.size() > told + 1) return 6;
  run.close();
  run.open();
  if (run.log(Lsn{0}).size() != 155) return 7;
  // A start on a full disk gives up the ballast.
  run.close();
  fill(filler);
  run.open();
  if (!run.until([&] { return run.disk_full; })) return 8;
  ::unlink(filler.c_str());
  if (!run.until_durable(run.append(1, 3, 1'000, true))) return 9;
  return run.until([&] { return !run.disk_full; }) ? 0 : 10;
}

}  // namespace

TEST_CASE("A real file system that fills up and is emptied again") {
  Directory directory;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(fill_small_disk(directory.path()));
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    MESSAGE("skipped: no right to mount a small file system here");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace tandem::store::testing
