// Who gets a message, over the number of subscriptions. Each topic has exactly one subscriber, so that only the size of
// the index differs. "hot": messages to 100 topics; "spread": to as many as there are subscriptions.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "base/check.hpp"
#include "core/routing.hpp"
#include "tests/bench/micro/curves.hpp"
#include "tests/bench/micro/plant.hpp"

namespace tandem::micro {

namespace {

enum class Filters : std::uint8_t { exact, plus, hash, mix };
constexpr std::uint64_t hot_topics = 100;
constexpr std::uint64_t of_a_session = 10;

struct Subscribers {
  Subscribers(std::int64_t count, Filters kind) : topics(Plant::topics(static_cast<std::uint64_t>(count))) {
    filters.reserve(topics.size());
    for (std::uint64_t i = 0; i < topics.size(); ++i) add(i, kind);
  }

  core::AccessRules access;
  core::Routing routing{access};
  std::vector<std::string> topics;
  std::vector<std::string> filters;
  std::deque<core::Session> sessions;
  std::deque<core::Subscription> subscriptions;
  Scattered any{topics.size()};
  Scattered hot{std::min<std::uint64_t>(hot_topics, topics.size())};

 private:
  static std::string filter(std::uint64_t i, Filters kind) {
    if (kind == Filters::mix) kind = static_cast<Filters>(i % 3);
    if (kind == Filters::exact) return Plant::topic(i);
    if (kind == Filters::hash) return Plant::topic(i) + "/#";
    // Of the machine of that number on any floor of its line: "plant/+/..." would reach a hundred topics.
    return Plant::line(i) + "/+/machine" + std::to_string(i % 10);
  }
  void add(std::uint64_t i, Filters kind) {
    filters.push_back(filter(i, kind));
    if (filters.back().find('+') != std::string::npos) {
      topics[i] = Plant::line(i) + "/floor/machine" + std::to_string(i % 10);
    }
    if (i % of_a_session == 0) sessions.emplace_back().id = i / of_a_session + 1;
    core::Subscription& s = subscriptions.emplace_back();
    s.session = &sessions.back();
    s.filter = filters.back();
    s.options.qos = mqtt::Qos::at_least_once;
    routing.add(&s);
  }
};

void look_up(benchmark::State& run, Subscribers& house, Scattered& which, bool fresh) {
  for (auto _ : run) {
    if (fresh) house.routing.forget();
    const core::Match& match = house.routing.match(house.topics[which.next()]);
    CHECK(match.targets.size() == 1);
  }
  run.SetItemsProcessed(run.iterations());
}

// One subscription goes and comes back a hundred messages, any of them.
void churn(benchmark::State& run, Subscribers& house) {
  int until = 0;
  for (auto _ : run) {
    if (until-- == 0) {
      core::Subscription& s = house.subscriptions[house.any.next()];
      house.routing.remove(&s);
      house.routing.add(&s);
      until = 99;
    }
    benchmark::DoNotOptimize(&house.routing.match(house.topics[house.hot.next()]));
  }
  run.SetItemsProcessed(run.iterations());
}

void subscribe(benchmark::State& run, Subscribers& house) {
  for (auto _ : run) {
    core::Subscription& s = house.subscriptions[house.any.next()];
    house.routing.remove(&s);
    house.routing.add(&s);
  }
  run.SetItemsProcessed(run.iterations());
}

void over_sizes(benchmark::internal::Benchmark* b) {
  for (const int size : {100, 1'000, 10'000, 100'000, 1'000'000}) b->Arg(size);
}

}  // namespace

void register_matching(Stage& stage) {
  const auto add = [&](const std::string& curve, Filters kind, auto body) {
    over_sizes(benchmark::RegisterBenchmark(curve.c_str(), [&stage, kind, body](benchmark::State& run) {
      body(run, stage.scene<Subscribers>(run.range(0), kind));
    }));
  };
  constexpr std::pair<const char*, Filters> kinds[] = {
      {"exact", Filters::exact}, {"+", Filters::plus}, {"#", Filters::hash}};
  const auto fresh_hot = [](benchmark::State& run, Subscribers& house) { look_up(run, house, house.hot, true); };
  const auto fresh = [](benchmark::State& run, Subscribers& house) { look_up(run, house, house.any, true); };
  for (const auto& [name, kind] : kinds) {
    add(std::string("matching-hot/fresh, ") + name, kind, fresh_hot);
    add(std::string("matching-spread/fresh, ") + name, kind, fresh);
  }
  add("matching-hot/cached, mix", Filters::mix,
      [](benchmark::State& run, Subscribers& house) { look_up(run, house, house.hot, false); });
  add("matching-hot/a change in 100 messages, mix", Filters::mix, churn);
  add("matching-spread/cached, mix", Filters::mix,
      [](benchmark::State& run, Subscribers& house) { look_up(run, house, house.any, false); });
  add("subscriptions/unsubscribe and subscribe, mix", Filters::mix, subscribe);
}

}  // namespace tandem::micro
