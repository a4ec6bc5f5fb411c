#include "split.hpp"

#include "core/state_tail.hpp"
#include "doctest.hpp"

namespace tandem::core::test {

std::vector<TailFact> tail_of(World& loser, Lsn common, Lsn from, MergeCounts* counts) {
  loser.end_turn();
  TailReader reader(loser.standby(), common);
  loser.each_record(common, [&](Epoch, Lsn lsn, Instant time, const Record& r) { reader.scan(lsn, time, r); });
  reader.finish_scan();
  std::vector<TailFact> facts;
  loser.each_record(common, [&](Epoch epoch, Lsn lsn, Instant time, const Record& r) {
    if (lsn >= from) reader.facts(epoch, lsn, time, r, facts);
  });
  reader.closing(facts);
  if (counts != nullptr) *counts = reader.counts();
  return facts;
}

std::vector<TailFact> trimmed_tail_of(World& loser, Lsn common, Lsn cut, std::size_t piece_bytes) {
  loser.end_turn();
  const auto epoch_at = [&](Lsn at) {
    for (const Batch& batch : loser.log()) {
      if (batch.first <= at && at <= batch.last()) return batch.epoch;
    }
    return Epoch{};
  };
  TailReader reader(loser.standby(), common);
  loser.each_record(cut, [&](Epoch, Lsn lsn, Instant time, const Record& r) { reader.scan(lsn, time, r); });
  reader.finish_scan();
  std::vector<TailFact> facts;
  StateTail state(loser.standby(), {common, common.next(), cut, Lsn{loser.last_lsn()}}, epoch_at);
  while (!state.next(piece_bytes, facts)) {
  }
  reader.follow_state(state.after_all());
  loser.each_record(
      cut, [&](Epoch epoch, Lsn lsn, Instant time, const Record& r) { reader.facts(epoch, lsn, time, r, facts); });
  reader.closing(facts);
  return facts;
}

ForkIndex index_of(World& winner, Lsn common) {
  ForkIndex fork(common);
  winner.each_record(common,
                     [&](Epoch, Lsn lsn, Instant time, const Record& r) { fork.note(lsn, time, r, winner.active()); });
  return fork;
}

void subscribe_all(World& world, std::size_t count, const std::string& filter) {
  for (std::size_t i = 0; i < count; ++i) {
    Client& client = world.client(i);
    world.connect(client, durable());
    world.subscribe(client, filter);
    world.lose(client);
  }
  world.end_turn();
}

void publish_from(World& world, std::size_t client, const std::string& topic, const std::string& payload,
                  const PublishOptions& options) {
  if (!world.client(client).connected()) world.connect(world.client(client), durable());
  world.publish(world.client(client), topic, payload, options);
}

PublishOptions qos2(std::uint16_t packet_id) {
  PublishOptions options;
  options.qos = 2;
  options.packet_id = packet_id;
  return options;
}

MergeReport Split::merge() {
  const std::vector<TailFact> facts = tail_of(*loser, common, common.next());
  ForkIndex fork = index_of(*winner, common);
  MergeReport report;
  for (const TailFact& fact : facts) {
    winner->merge(fork, fact, report);
    if (!winner->verdict_line().empty()) lines.push_back(winner->verdict_line());
  }
  winner->check();
  return report;
}

std::vector<std::string> Split::take_all(std::size_t index) {
  Client& client = winner->client(index);
  winner->connect(client, durable());
  return winner->drain(client);
}

}  // namespace tandem::core::test
