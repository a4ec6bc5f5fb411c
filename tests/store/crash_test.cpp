// Crashes: a process killed at any moment, and a power cut that drops what was not synced. What was reported durable is
// there, the log has no hole, a checkpoint is the old or the new one.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/hash.hpp"
#include "shim_vfs.hpp"
#include "test.hpp"

namespace tandem::store::testing {

namespace {

constexpr int key_count = 40;

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(mix64(seed + 77)) {}
  std::uint64_t below(std::uint64_t n) {
    state_ = mix64(state_ + 0x9E3779B97F4A7C15ULL);
    return state_ % n;
  }

 private:
  std::uint64_t state_;
};

// Batches follow from their first lsn, so that a reader can tell whether a batch is the one that was written.
std::uint32_t count_at(Lsn first) {
  return static_cast<std::uint32_t>(1 + mix64(first.value) % 9);
}
std::size_t size_at(Lsn first) {
  const std::uint64_t r = mix64(first.value + 5);
  return static_cast<std::size_t>(r % 50 == 0 ? 90'000 : r % 2'000);
}
Batch batch_at(Lsn first) {
  return make_batch(first, count_at(first), size_at(first));
}

// All rows of a checkpoint carry its lsn: a mixture would show. One row is large. In the order of loading.
std::vector<Row> rows_at(Lsn at) {
  std::vector<Row> rows;
  for (int i = 0; i < key_count; ++i) {
    std::string value = std::to_string(at.value);
    if (i == 3) value += std::string(1 + at.value % 200'000, '.');
    rows.push_back(make_row(static_cast<std::uint8_t>(i / 10), std::to_string(i), std::move(value)));
  }
  return rows;
}

// What a process has been told, written down as it is told; so a reader never knows of more than was promised.
struct Report {
  std::uint64_t durable = 0;
  std::uint64_t checkpoint = 0;
  std::uint64_t meta = 0;
};

std::uint64_t meta_of(const Found& found) {
  return found.meta.empty() ? 0 : std::stoull(found.meta);
}

// Appends, writes metas, takes checkpoints and trims; calls `told` after each look at the events.
class Worker {
 public:
  Worker(Running& run, std::uint64_t seed) : run_(run), random_(seed), meta_(meta_of(run.store().found())) {
    end_ = Lsn{run.next().value - 1};
    report_.durable = end_.value;
    report_.checkpoint = run.store().found().checkpoint.value;
    report_.meta = meta_;
  }

  void step() {
    const std::uint64_t batches = 1 + random_.below(4);
    for (std::uint64_t i = 0; i < batches; ++i) {
      const Batch batch = batch_at(end_.next());
      end_ = batch.last();
      run_.store().append(batch, random_.below(3) == 0);
    }
    if (random_.below(10) == 0) {
      ++meta_;
      run_.store().write_meta(std::to_string(meta_), meta_);
    }
    if (!collecting_ && random_.below(12) == 0) {
      collecting_ = true;
      run_.store().begin_checkpoint(end_, std::to_string(end_.value), random_.below(4) == 0);
      run_.store().put_rows(rows_at(end_));
      run_.store().commit_checkpoint(checkpoint_token);
    }
    run_.until([] { return true; });
    for (const std::uint64_t token : run_.tokens) {
      if (token != checkpoint_token) report_.meta = token;
    }
    run_.tokens.clear();
    for (const Lsn at : run_.checkpoints) {
      report_.checkpoint = at.value;
      collecting_ = false;
      run_.store().trim(at);
    }
    run_.checkpoints.clear();
    report_.durable = run_.durable.value;
  }
  const Report& report() const { return report_; }

 private:
  static constexpr std::uint64_t checkpoint_token = 1ULL << 60;
  Running& run_;
  Random random_;
  Lsn end_;
  std::uint64_t meta_;
  bool collecting_ = false;
  Report report_;
};

StoreOptions options_of(std::uint64_t seed) {
  StoreOptions options = test_options();
  options.group_commit_ms = 1 + static_cast<std::int64_t>(seed % 5);
  options.wal_fold_bytes = 128 << 10;  // folds happen often
  options.group_commit_bytes = 16 << 10;
  return options;
}

// Opens what a crash left and compares it with what was promised.
void verify(Running& run, const Report& promised) {
  const Found& found = run.store().found();
  const Lsn end = std::max(found.log_last, found.checkpoint);
  CHECK(end.value >= promised.durable);
  CHECK(found.checkpoint.value >= promised.checkpoint);
  CHECK(meta_of(found) >= promised.meta);
  if (found.checkpoint.value > 0) {
    CHECK(found.checkpoint_info == std::to_string(found.checkpoint.value));
    CHECK((shown(run.rows()) == shown(rows_at(found.checkpoint))));
  }
  Lsn position = found.checkpoint;
  for (const Batch& batch : run.log(found.checkpoint)) {
    REQUIRE(batch.first == position.next());
    REQUIRE(same(batch, batch_at(batch.first)));
    position = batch.last();
  }
  CHECK(position == end);
  run.until([] { return true; });
  CHECK(run.errors.empty());
}

// The child's life: works until it is killed, and writes each report into the pipe.
[[noreturn]] void work_until_killed(const std::string& path, std::uint64_t seed, int pipe_end) {
  Running run(path, options_of(seed));
  Worker worker(run, seed);
  for (;;) {
    worker.step();
    if (::write(pipe_end, &worker.report(), sizeof(Report)) != sizeof(Report)) ::_exit(1);
  }
}

// Reads reports until `count` have come, then kills; gives the last report that the child had written.
Report run_and_kill(const std::string& path, std::uint64_t seed, std::uint64_t count, std::uint64_t later_us) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    work_until_killed(path, seed, ends[1]);
  }
  ::close(ends[1]);
  Report report;
  Report next;
  for (std::uint64_t i = 0; i < count; ++i) {
    REQUIRE(::read(ends[0], &next, sizeof next) == sizeof next);
    report = next;
  }
  ::usleep(static_cast<useconds_t>(later_us));  // so that the kill meets any step of the child
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  while (::read(ends[0], &next, sizeof next) == sizeof next) report = next;
  ::close(ends[0]);
  return report;
}

int rounds_from_environment(int usual) {
  const char* text = std::getenv("TANDEM_CRASH_ROUNDS");
  return text == nullptr ? usual : std::atoi(text);
}

}  // namespace

TEST_CASE("SIGKILL at any moment: everything reported durable is there after it, round after round") {
  Directory directory;
  const int rounds = rounds_from_environment(25);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    Random random(static_cast<std::uint64_t>(round));
    const std::uint64_t count = random.below(round % 5 == 0 ? 5 : 300);
    const Report report = run_and_kill(directory.path(), static_cast<std::uint64_t>(round), count, random.below(3'000));
    Running run(directory.path(), options_of(0));
    verify(run, report);
  }
}

TEST_CASE("Power cut: everything reported durable is there, whatever of the rest reached the disk") {
  const int rounds = rounds_from_environment(12);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const std::uint64_t seed = static_cast<std::uint64_t>(round) + 1'000;
    Random random(seed);
    Directory directory;
    ShimVfs shim;
    Running run(directory.path(), options_of(seed));
    Worker worker(run, seed);
    for (int cut = 0; cut < 4; ++cut) {
      CAPTURE(cut);
      const std::uint64_t steps = 1 + random.below(200);
      for (std::uint64_t i = 0; i < steps; ++i) worker.step();
      const Report report = worker.report();
      const std::string path = directory.file("cut" + std::to_string(cut));
      std::filesystem::create_directories(path);
      shim.power_cut(directory.path(), path, random.below(1'000'000));
      Running survivor(path, options_of(seed));
      verify(survivor, report);
    }
  }
}

}  // namespace tandem::store::testing
