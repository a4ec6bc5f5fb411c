// Images: State into rows and back, over the number of rows. One durable session in ten rows, with four subscriptions;
// the others are retained messages (two rows each: what it says, and where it is retained).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "core/image.hpp"
#include "tests/bench/micro/box.hpp"
#include "tests/bench/micro/curves.hpp"
#include "tests/bench/micro/plant.hpp"

namespace tandem::micro {

namespace {

std::unique_ptr<Box> filled(std::int64_t rows) {
  auto box = std::make_unique<Box>();
  core::Session& publisher = box->connect("publisher");
  const std::string payload(64, 'x');
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(rows) / 10; ++i) {
    core::Session& session = box->connect("client-" + std::to_string(i), false);
    for (const char* what : {"order", "alarm", "clock", "stop"}) box->subscribe(session, Plant::topic(i) + "/" + what);
    box->publish(publisher, Plant::topic(i) + "/state", payload, true);
    box->publish(publisher, Plant::topic(i) + "/order", payload);
    box->publish(publisher, Plant::topic(i) + "/count", payload, true);
  }
  return box;
}

std::vector<Row> all_rows(core::State& state) {
  std::vector<Row> rows;
  core::Checkpoint checkpoint(state);
  while (!checkpoint.step(rows.size() + 256, rows)) {
  }
  return rows;
}

struct Stored {
  explicit Stored(std::int64_t wanted) : rows(all_rows(filled(wanted)->state())) {
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return a.kind != b.kind ? a.kind < b.kind : a.key < b.key; });
  }
  std::vector<Row> rows;
};

// In slices, as between turns; the rows of a slice are handed on.
void out(benchmark::State& run) {
  std::int64_t rows = 0;
  for (auto _ : run) {
    run.PauseTiming();
    auto box = filled(run.range(0));
    run.ResumeTiming();
    {
      core::Checkpoint checkpoint(box->state());
      std::vector<Row> slice;
      for (bool done = false; !done; slice.clear()) {
        done = checkpoint.step(256, slice);
        rows += static_cast<std::int64_t>(slice.size());
      }
    }
    run.PauseTiming();
    box.reset();
    run.ResumeTiming();
  }
  run.SetItemsProcessed(rows);
}

void in(benchmark::State& run, const Stored& stored) {
  for (auto _ : run) {
    auto state = std::make_unique<core::State>();
    {
      core::ImageLoader loader(*state);
      for (const Row& row : stored.rows) CHECK(loader.load(row).ok());
      CHECK(loader.finish().ok());
    }
    run.PauseTiming();
    state.reset();
    run.ResumeTiming();
  }
  run.SetItemsProcessed(run.iterations() * static_cast<std::int64_t>(stored.rows.size()));
}

}  // namespace

void register_image(Stage& stage) {
  auto* const written = benchmark::RegisterBenchmark("image/out, a row", [&stage](benchmark::State& run) {
    stage.clear();
    out(run);
  });
  auto* const read = benchmark::RegisterBenchmark(
      "image/in, a row", [&stage](benchmark::State& run) { in(run, stage.scene<Stored>(run.range(0))); });
  for (const int size : {1'000, 10'000, 100'000, 1'000'000}) {
    written->Arg(size);
    read->Arg(size);
  }
}

}  // namespace tandem::micro
