// Measures the store by itself: commits a second, CPU of each store thread a record, latency while other work goes on.
// Usage: store_bench DIRECTORY [bulk|paced|urgent|pipelined|rows]. Each scenario starts with an empty store in
// DIRECTORY/bench.
#include <dirent.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "harness.hpp"

namespace tandem::store::testing {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// CPU seconds of each thread of this process by name, from schedstat (nanoseconds).
std::map<std::string, double> cpu_by_thread() {
  std::map<std::string, double> cpu;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(entry.path() / "comm") >> name;
    double ns = 0;
    std::ifstream(entry.path() / "schedstat") >> ns;
    cpu[name] += ns / 1e9;
  }
  return cpu;
}

void print_cpu(const std::map<std::string, double>& before, double records) {
  const auto after = cpu_by_thread();
  for (const char* name : {"store-log", "store-fold", "store-state", "store_bench"}) {
    const auto old = before.find(name);
    const auto now = after.find(name);
    if (now == after.end()) continue;
    const double used = now->second - (old == before.end() ? 0 : old->second);
    std::printf("  %s %.3f us", name, used * 1e6 / records);
  }
  std::printf(" (CPU a record)\n");
}

void print_latency(std::vector<double>& ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double q) { return ms[static_cast<std::size_t>(q * static_cast<double>(ms.size() - 1))]; };
  std::printf("  latency ms: p50 %.3f p99 %.3f p99.9 %.3f max %.3f\n", at(0.5), at(0.99), at(0.999), ms.back());
}

std::string fresh(const std::string& base) {
  const std::string path = base + "/bench";
  std::filesystem::remove_all(path);
  return path;
}

// Group commit at full speed: 50 records of 100 B a batch, trimmed behind a checkpoint now and then.
void bulk(const std::string& base, bool trimming) {
  Running run(fresh(base), StoreOptions{});
  constexpr int batches = 60'000;
  constexpr std::uint32_t count = 50;
  const Batch model = make_batch(Lsn{1}, count, 5'000);
  const auto before = cpu_by_thread();
  const auto start = Clock::now();
  double append_s = 0;
  for (int i = 0; i < batches; ++i) {
    Batch batch = model;
    batch.first = run.next();
    run.set_next(run.next().plus(count));
    const auto t = Clock::now();
    run.store().append(std::move(batch), false);
    append_s += seconds_since(t);
    if (i % 100 == 99) {
      run.until([&] { return run.durable.value + 400 * count > run.next().value; });
    }
    if (trimming && i % 12'800 == 12'799) {
      const Lsn at{run.next().value - 1};
      run.checkpoint(at, "", {});
      run.store().trim(at);
    }
  }
  run.store().commit_now();
  run.until_durable(Lsn{run.next().value - 1});
  const double s = seconds_since(start);
  std::printf("bulk %s: %.0f records/s, %.1f MB/s, append() %.0f ns\n", trimming ? "with trims" : "without trims",
              batches * count / s, batches * 5e-3 / s, append_s * 1e9 / batches);
  print_cpu(before, static_cast<double>(batches) * count);
}

// As a broker works: a batch every `gap_us`, not urgent.
void paced(const std::string& base, int gap_us, std::uint32_t count) {
  Running run(fresh(base), StoreOptions{});
  const int batches = 3'000'000 / gap_us;
  const auto before = cpu_by_thread();
  const auto start = Clock::now();
  for (int i = 0; i < batches; ++i) {
    run.append(1, count, 100 * count);
    run.until([] { return true; });
    const auto due = start + std::chrono::microseconds(static_cast<long long>(gap_us) * (i + 1));
    while (Clock::now() < due) {
      pollfd readable{run.store().event_fd(), POLLIN, 0};
      ::poll(&readable, 1, 0);
      ::usleep(20);  // the broker's own loop would do something meanwhile
    }
  }
  std::printf("paced: %u records every %d us\n", count, gap_us);
  print_cpu(before, static_cast<double>(batches) * count);
}

// One urgent batch after the other; each waits for `durable`.
void urgent(const std::string& base, std::size_t size, bool busy) {
  Running run(fresh(base), StoreOptions{});
  std::vector<double> ms;
  const auto before = cpu_by_thread();
  const auto start = Clock::now();
  std::uint64_t rows = 0;
  while (seconds_since(start) < 4) {
    if (busy && ms.size() % 2'000 == 0) {
      const Lsn at{run.next().value - 1};
      if (rows > 0) run.store().commit_checkpoint(0);
      run.store().begin_checkpoint(at, "", false);
      run.store().trim(Lsn{at.value > 1'000 ? at.value - 1'000 : 0});
    }
    if (busy) {
      std::vector<Row> slice;
      for (int i = 0; i < 20; ++i) slice.push_back(make_row(3, std::to_string(rows++), std::string(300, 'x')));
      run.store().put_rows(std::move(slice));
    }
    const auto t = Clock::now();
    run.append(1, 1, size, true);
    run.until_durable(Lsn{run.next().value - 1});
    ms.push_back(seconds_since(t) * 1e3);
  }
  std::printf("urgent %zu B%s: %.0f commits/s\n", size, busy ? " beside checkpoints and trims" : "",
              static_cast<double>(ms.size()) / seconds_since(start));
  print_latency(ms);
  print_cpu(before, static_cast<double>(ms.size()));
}

// Urgent batches handed over without waiting for each: the next group takes all that gathered.
void pipelined(const std::string& base, std::uint32_t count) {
  Running run(fresh(base), StoreOptions{});
  const auto before = cpu_by_thread();
  const auto start = Clock::now();
  std::uint64_t commits = 0;
  Lsn seen;
  while (seconds_since(start) < 3) {
    run.append(1, count, 100 * count, true);
    run.until([&] { return run.durable.value + 16 * count >= run.next().value; });
    if (run.durable != seen) ++commits;
    seen = run.durable;
  }
  const double records = static_cast<double>(run.next().value);
  std::printf("pipelined urgent, %u records a batch, 16 in flight: %.0f records/s, about %.0f commits/s\n", count,
              records / seconds_since(start), static_cast<double>(commits) / seconds_since(start));
  print_cpu(before, records);
}

void rows(const std::string& base) {
  Running run(fresh(base), StoreOptions{});
  constexpr int total = 1'000'000;
  for (int round = 0; round < 2; ++round) {
    const auto before = cpu_by_thread();
    const auto start = Clock::now();
    run.store().begin_checkpoint(Lsn{0}, "", round == 0);
    for (int i = 0; i < total; i += 256) {
      std::vector<Row> slice;
      for (int j = i; j < std::min(i + 256, total); ++j) {
        slice.push_back(make_row(static_cast<std::uint8_t>(j % 5), std::to_string(j), std::string(200, 'v')));
      }
      run.store().put_rows(std::move(slice));
      while (run.store().rows_in_flight_bytes() > (4 << 20)) ::usleep(100);  // a pace
    }
    run.store().commit_checkpoint(1);
    run.tokens.clear();
    run.until_token(1);
    std::printf("rows %s: %.0f/s\n", round == 0 ? "inserted" : "updated", total / seconds_since(start));
    print_cpu(before, total);
  }
  const auto start = Clock::now();
  std::uint64_t loaded = 0;
  CHECK(run.store()
            .load_rows([&](Row&&) {
              ++loaded;
              return Status{};
            })
            .ok());
  std::printf("rows loaded: %.0f/s\n", static_cast<double>(loaded) / seconds_since(start));
}

void reload(const std::string& base) {
  Running run(base + "/bench", StoreOptions{});
  const auto start = Clock::now();
  std::uint64_t bytes = 0;
  const Status status = run.store().load_log(Lsn{run.store().log_first().value - 1}, [&](Batch&& batch) {
    bytes += batch.bytes->size();
    return Status{};
  });
  CHECK(status.ok());
  std::printf("log loaded: %.0f MB/s\n", static_cast<double>(bytes) / 1e6 / seconds_since(start));
}

}  // namespace
}  // namespace tandem::store::testing

int main(int count, char** arguments) {
  using namespace tandem::store::testing;
  const std::string base = count > 1 ? arguments[1] : ".";
  const std::string only = count > 2 ? arguments[2] : "";
  const auto wanted = [&](const char* name) { return only.empty() || only == name; };
  if (wanted("bulk")) {
    bulk(base, false);
    reload(base);
    bulk(base, true);
  }
  if (wanted("paced")) {
    paced(base, 1'000, 50);
    paced(base, 10'000, 50);
  }
  if (wanted("urgent")) {
    urgent(base, 1'000, false);
    urgent(base, 16'000, false);
    urgent(base, 1'000, true);
  }
  if (wanted("pipelined")) {
    pipelined(base, 1);
    pipelined(base, 50);
  }
  if (wanted("rows")) rows(base);
  std::filesystem::remove_all(base + "/bench");
}
