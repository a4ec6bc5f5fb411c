// Messages and subscriptions beside many retained messages. "hot": to 100 topics; "spread": to all of them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "base/check.hpp"
#include "tests/bench/micro/box.hpp"
#include "tests/bench/micro/curves.hpp"
#include "tests/bench/micro/plant.hpp"

namespace tandem::micro {

namespace {

constexpr std::uint64_t hot_topics = 100;

struct Plates {
  explicit Plates(std::int64_t count) : topics(Plant::topics(static_cast<std::uint64_t>(count))) {
    for (const std::string& topic : topics) box.publish(publisher, topic, payload, true);
    box.subscribe(reader, "order/+");
  }

  Box box;
  const std::string payload = std::string(64, 'x');
  core::Session& publisher = box.connect("publisher");
  core::Session& reader = box.connect("reader", true, 65'000);
  std::vector<std::string> topics;
  // With none retained nobody asks them.
  Scattered any{std::max<std::uint64_t>(1, topics.size())};
  Scattered hot{std::clamp<std::uint64_t>(topics.size(), 1, hot_topics)};
};

// A message that is not retained, to one durable session, and its acknowledgement.
void pass(benchmark::State& run, Plates& house) {
  for (auto _ : run) {
    house.box.publish(house.publisher, "order/7", house.payload);
    house.box.ack(house.reader);
  }
  run.SetItemsProcessed(run.iterations());
}

void replace(benchmark::State& run, Plates& house, Scattered& which) {
  for (auto _ : run) house.box.publish(house.publisher, house.topics[which.next()], house.payload, true);
  run.SetItemsProcessed(run.iterations());
}

void come_and_go(benchmark::State& run, Plates& house) {
  for (auto _ : run) {
    const std::string& topic = house.topics[house.any.next()];
    house.box.publish(house.publisher, topic, {}, true);
    house.box.publish(house.publisher, topic, house.payload, true);
  }
  run.SetItemsProcessed(run.iterations() * 2);
}

// Someone subscribes, gets what is retained, and unsubscribes; the number of messages that match is the same in any
// size of house.
template <class Filter>
void subscribe(benchmark::State& run, Plates& house, Filter filter) {
  std::int64_t delivered = 0;
  for (auto _ : run) {
    const std::string text = filter(house.any.next());
    house.box.subscribe(house.reader, text);
    delivered += static_cast<std::int64_t>(house.box.effects().list.size()) - 1;  // but the SUBACK
    house.box.unsubscribe(house.reader, text);
    while (house.reader.queue.size() != 0) house.box.ack(house.reader);
  }
  CHECK(delivered >= static_cast<std::int64_t>(run.iterations()));
  run.SetItemsProcessed(run.iterations());
}

template <class Run>
auto add(Stage& stage, const char* curve, Run body) {
  return benchmark::RegisterBenchmark(
      curve, [&stage, body](benchmark::State& run) { body(run, stage.scene<Plates>(run.range(0))); });
}

void over_sizes(benchmark::internal::Benchmark* b, int smallest) {
  for (const int size : {smallest, 10'000, 100'000, 1'000'000}) b->Arg(size);
}

}  // namespace

void register_retained(Stage& stage) {
  over_sizes(add(stage, "retained/message that is not retained, and its ack", pass), 0);
  over_sizes(add(stage, "retained/retained message, hot",
                 [](benchmark::State& run, Plates& house) { replace(run, house, house.hot); }),
             100);
  over_sizes(add(stage, "retained/retained message, spread",
                 [](benchmark::State& run, Plates& house) { replace(run, house, house.any); }),
             100);
  over_sizes(add(stage, "retained/cleared and set anew, spread", come_and_go), 100);
  const auto subscribe_to = [&](const char* curve, auto filter) {
    over_sizes(add(stage, curve, [filter](benchmark::State& run, Plates& house) { subscribe(run, house, filter); }),
               1'000);
  };
  subscribe_to("retained-subscribe/exact (1 message)", Plant::topic);
  subscribe_to("retained-subscribe/# at the end (10 messages)", [](std::uint64_t i) { return Plant::line(i) + "/#"; });
  subscribe_to("retained-subscribe/+ at the end (10 messages)", [](std::uint64_t i) { return Plant::line(i) + "/+"; });
  subscribe_to("retained-subscribe/+ in the middle (100 messages)",
               [](std::uint64_t i) { return Plant::area(i) + "/+/machine" + std::to_string(i % 10); });
  subscribe_to("retained-subscribe/+ in front (1 message)",
               [](std::uint64_t i) { return "+" + Plant::topic(i).substr(5); });
}

}  // namespace tandem::micro
