// Beside many durable sessions: one connects and goes again; a message to one of them, and its acknowledgement, on the
// active and as a standby applies them from the log.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/check.hpp"
#include "core/record_codec.hpp"
#include "tests/bench/micro/box.hpp"
#include "tests/bench/micro/curves.hpp"

namespace tandem::micro {

namespace {

struct Crowd {
  explicit Crowd(std::int64_t sessions) : any(static_cast<std::uint64_t>(sessions)) {
    for (std::int64_t i = 0; i < sessions; ++i) {
      names.push_back("client-" + std::to_string(i));
      topics.push_back("order/" + std::to_string(i));
      readers.push_back(&box.connect(names.back()));
      box.subscribe(*readers.back(), topics.back());
    }
  }

  Box box;
  const std::string payload = std::string(64, 'x');
  core::Session& publisher = box.connect("publisher");
  std::vector<std::string> names;
  std::vector<std::string> topics;
  std::vector<core::Session*> readers;
  Scattered any;
};

void come_and_go(benchmark::State& run, Crowd& house) {
  for (auto _ : run) {
    const std::string& name = house.names[house.any.next()];
    house.box.disconnect(name);
    house.box.connect(name);
  }
  run.SetItemsProcessed(run.iterations());
}

void pass(benchmark::State& run, Crowd& house) {
  for (auto _ : run) {
    const std::uint64_t i = house.any.next();
    house.box.publish(house.publisher, house.topics[i], house.payload);
    house.box.ack(*house.readers[i]);
  }
  run.SetItemsProcessed(run.iterations());
}

// The same records, without the hints that the active's own have.
void follow(benchmark::State& run, Crowd& house) {
  core::Effects effects;
  core::Applying to{house.box.state(), std::uint64_t{1} << 40, Instant{2}, effects};
  core::Published published;
  published.publisher = house.publisher.id;
  published.message.payload = house.payload;
  published.message.qos = mqtt::Qos::at_least_once;
  for (auto _ : run) {
    const std::uint64_t i = house.any.next();
    published.message.topic = house.topics[i];
    effects.clear();
    ++to.lsn;
    core::apply(to, published, 0);
    core::Acked acked;
    acked.session = house.readers[i]->id;
    acked.packet_id = core::Queue::packet_id(house.readers[i]->queue.head());
    effects.clear();
    ++to.lsn;
    core::apply(to, acked);
    CHECK(house.readers[i]->queue.size() == 0);
  }
  run.SetItemsProcessed(run.iterations());
}

template <class Run>
void add(Stage& stage, const char* curve, Run body) {
  auto* const added = benchmark::RegisterBenchmark(
      curve, [&stage, body](benchmark::State& run) { body(run, stage.scene<Crowd>(run.range(0))); });
  for (const int size : {10, 100, 1'000, 10'000, 100'000}) added->Arg(size);
}

}  // namespace

void register_sessions(Stage& stage) {
  add(stage, "sessions/message and ack, active", pass);
  add(stage, "sessions/message and ack, standby", follow);
  add(stage, "sessions/disconnect and connect", come_and_go);
}

}  // namespace tandem::micro
