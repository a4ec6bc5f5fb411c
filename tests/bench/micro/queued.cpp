// A message in and one out, beside many that wait: 100 durable sessions share them evenly.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "tests/bench/micro/box.hpp"
#include "tests/bench/micro/curves.hpp"

namespace tandem::micro {

namespace {

struct Backlog {
  explicit Backlog(std::int64_t messages) {
    constexpr std::int64_t readers_wanted = 100;
    for (std::int64_t i = 0; i < readers_wanted; ++i) {
      topics.push_back("order/" + std::to_string(i));
      readers.push_back(&box.connect("reader-" + std::to_string(i)));
      box.subscribe(*readers.back(), topics.back());
      for (std::int64_t k = 0; k < messages / readers_wanted; ++k) box.publish(publisher, topics.back(), payload);
    }
  }

  Box box;
  const std::string payload = std::string(64, 'x');
  core::Session& publisher = box.connect("publisher");
  std::vector<std::string> topics;
  std::vector<core::Session*> readers;
};

void in_and_out(benchmark::State& run, Backlog& house) {
  std::size_t reader = 0;
  for (auto _ : run) {
    house.box.publish(house.publisher, house.topics[reader], house.payload);
    house.box.ack(*house.readers[reader]);
    if (++reader == house.readers.size()) reader = 0;
  }
  run.SetItemsProcessed(run.iterations());
}

}  // namespace

void register_queued(Stage& stage) {
  auto* const curve = benchmark::RegisterBenchmark("queued/one in and one out", [&stage](benchmark::State& run) {
    in_and_out(run, stage.scene<Backlog>(run.range(0)));
  });
  for (const int size : {0, 2'000, 10'000, 100'000, 1'000'000, 10'000'000}) curve->Arg(size);
}

}  // namespace tandem::micro
