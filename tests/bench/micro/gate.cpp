// Output that waits for its record, over the number of connections: a turn holds four acknowledgements of each of them
// under four records, then all are released.
#include <benchmark/benchmark.h>

#include <deque>

#include "broker/gate.hpp"
#include "tests/bench/micro/curves.hpp"
#include "tests/broker/fake_client.hpp"

namespace tandem::micro {

namespace {

constexpr int of_a_connection = 4;
constexpr ByteView ack("\x40\x02\x00\x07", 4);

struct Waiting {
  explicit Waiting(std::int64_t connections_wanted) {
    for (std::int64_t i = 0; i < connections_wanted; ++i) {
      connections.add(clients.emplace_back(ConnectionId{static_cast<std::uint32_t>(i), 1}));
    }
  }

  edge::Connections connections;
  std::deque<test::FakeClient> clients;
  broker::Gate gate{connections};
  Lsn last;
};

void hold_and_release(benchmark::State& run, Waiting& house) {
  for (auto _ : run) {
    for (test::FakeClient& client : house.clients) {
      for (int i = 0; i < of_a_connection; ++i) {
        house.last = house.last.next();
        house.gate.output(client, house.last).append(ack);
        house.gate.appended(client);
      }
    }
    house.gate.end_turn();
    house.gate.release(house.last);
    for (test::FakeClient& client : house.clients) client.written();
  }
  run.SetItemsProcessed(run.iterations() * run.range(0) * of_a_connection);
}

}  // namespace

void register_gate(Stage& stage) {
  auto* const curve = benchmark::RegisterBenchmark(
      "connections/the gate alone, an ack",
      [&stage](benchmark::State& run) { hold_and_release(run, stage.scene<Waiting>(run.range(0))); });
  for (const int size : {10, 100, 1'000, 10'000}) curve->Arg(size);
}

}  // namespace tandem::micro
