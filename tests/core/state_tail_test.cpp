// RECONCILE of a loser whose log was trimmed: its State speaks for the records that are gone.
#include <map>

#include "doctest.hpp"
#include "split.hpp"

namespace tandem::core::test {

namespace {

// A pair of which the winner begins with an empty disk: nothing is shared.
struct Replaced {
  MergeReport merge(Lsn cut) {
    MergeReport report;
    ForkIndex fork = index_of(winner, Lsn{});
    for (const TailFact& fact : trimmed_tail_of(loser, Lsn{}, cut)) winner.merge(fork, fact, report);
    winner.check();
    return report;
  }
  std::vector<std::string> take_all(std::size_t index) {
    winner.connect(winner.client(index), durable());
    return winner.drain(winner.client(index));
  }
  Lsn end() {
    loser.end_turn();
    return Lsn{loser.last_lsn()};
  }

  World loser;
  World winner;
};

// Within an epoch: what is not behind the one before it would be taken for merged already.
void check_ascends(const std::vector<TailFact>& facts) {
  std::map<Epoch, Merged> merged;
  for (const TailFact& fact : facts) {
    const Merged at{fact.origin.lsn, fact.origin.index};
    CHECK(at > merged[fact.origin.epoch]);
    merged[fact.origin.epoch] = at;
  }
}

}  // namespace

TEST_CASE("An empty winner gets sessions, subscriptions, waiting and retained messages of a log that is all gone") {
  Replaced pair;
  subscribe_all(pair.loser, 2, "t");
  publish_from(pair.loser, 2, "t", "m1");
  publish_from(pair.loser, 2, "t", "m2", qos2(9));
  PublishOptions retain;
  retain.retain = true;
  publish_from(pair.loser, 2, "r", "value", retain);
  pair.loser.connect(pair.loser.client(1), durable());
  CHECK_EQ(pair.loser.drain(pair.loser.client(1)), Payloads{"m1", "m2"});
  const MergeReport report = pair.merge(pair.end());
  CHECK(report.complete);
  CHECK_EQ(report.refused, 0);
  CHECK_EQ(report.retained, 1);
  CHECK(report.sentence().find("Its log no longer had records 1 to ") != std::string::npos);
  CHECK_EQ(pair.winner.active().retained().at("r").message->view().payload, "value");
  CHECK_EQ(pair.take_all(0), Payloads{"m1", "m2"});
  CHECK_EQ(pair.take_all(1), Payloads{});
  publish_from(pair.winner, 3, "t", "later");
  CHECK_EQ(pair.winner.drain(pair.winner.client(0)), Payloads{"later"});
}

TEST_CASE("A message that waits for who has unsubscribed, or came by a shared subscription, still comes, once") {
  Replaced pair;
  World& l = pair.loser;
  subscribe_all(l, 1, "t");
  for (const std::size_t member : {1U, 2U}) {
    l.connect(l.client(member), durable());
    l.subscribe(l.client(member), "$share/g/t");
    l.lose(l.client(member));
  }
  publish_from(l, 3, "t", "m1");
  l.connect(l.client(0), durable());
  l.unsubscribe(l.client(0), "t");
  l.lose(l.client(0));
  pair.merge(pair.end());
  CHECK_EQ(pair.take_all(0), Payloads{"m1"});
  CHECK_EQ(pair.take_all(1).size() + pair.take_all(2).size(), 1);
}

TEST_CASE("A client that began anew at the empty winner gets what waits for it if it has subscribed again") {
  for (const bool again : {false, true}) {
    Replaced pair;
    subscribe_all(pair.loser, 1, "t");
    publish_from(pair.loser, 2, "t", "m1");
    World& w = pair.winner;
    w.connect(w.client(0), durable());
    if (again) w.subscribe(w.client(0), "#");
    pair.merge(pair.end());
    CHECK_EQ(w.drain(w.client(0)), again ? Payloads{"m1"} : Payloads{});
  }
}

TEST_CASE("QoS 2: what the subscriber has received does not come again; the publisher's open packet ids are held") {
  Replaced pair;
  World& l = pair.loser;
  subscribe_all(l, 1, "t");
  publish_from(l, 2, "t", "m1", qos2(7));
  publish_from(l, 2, "t", "m2", qos2(8));
  l.pubrel(l.client(2), 8);
  l.connect(l.client(0), durable());
  const std::vector<Event> events = l.client(0).take_publishes();
  REQUIRE_EQ(events.size(), 2);
  l.ack(l.client(0), mqtt::Type::pubrec, events[0].packet_id);
  pair.merge(pair.end());
  CHECK_EQ(pair.take_all(0), Payloads{"m2"});
  World& w = pair.winner;
  w.connect(w.client(2), durable());
  CHECK(w.publish(w.client(2), "t", "m1", qos2(7)).duplicate);
  CHECK_FALSE(w.publish(w.client(2), "t", "m3", qos2(8)).duplicate);
}

TEST_CASE("The newer value of a retained topic stays, whichever side has it") {
  for (const bool winner_newer : {false, true}) {
    Replaced pair;
    PublishOptions retain;
    retain.retain = true;
    World& first = winner_newer ? pair.loser : pair.winner;
    World& second = winner_newer ? pair.winner : pair.loser;
    publish_from(first, 2, "r", "old", retain);
    pair.loser.advance_ms(10);
    pair.winner.advance_ms(10);
    publish_from(second, 2, "r", "new", retain);
    pair.merge(pair.end());
    CHECK_EQ(pair.winner.active().retained().at("r").message->view().payload, "new");
  }
}

TEST_CASE("A will of the missing part comes over; one of before the fork stays as the winner has it") {
  Split pair;
  ConnectOptions with_will = durable();
  with_will.will = WillOptions{};
  with_will.will->payload = "before";
  pair.winner->connect(pair.winner->client(0), with_will);
  pair.split();
  with_will.will->payload = "missing";
  pair.loser->connect(pair.loser->client(1), with_will);
  pair.loser->end_turn();
  const Lsn cut{pair.loser->last_lsn()};
  ForkIndex fork = index_of(*pair.winner, pair.common);
  MergeReport report;
  for (const TailFact& fact : trimmed_tail_of(*pair.loser, pair.common, cut)) pair.winner->merge(fork, fact, report);
  pair.winner->check();
  CHECK_EQ(pair.winner->active().wills().at("client0").message->view().payload, "before");
  CHECK_EQ(pair.winner->active().wills().at("client1").message->view().payload, "missing");
}

TEST_CASE("What both had queued and the loser delivered in the missing part is not delivered again") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 1, "t");
  for (const char* payload : {"a", "b", "c"}) publish_from(w, 2, "t", payload);
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(0), durable());
  for (const Event& event : l.client(0).take_publishes()) {
    if (event.payload != "b") l.ack(l.client(0), mqtt::Type::puback, event.packet_id);
  }
  l.end_turn();
  ForkIndex fork = index_of(w, pair.common);
  MergeReport report;
  for (const TailFact& fact : trimmed_tail_of(l, pair.common, Lsn{l.last_lsn()})) w.merge(fork, fact, report);
  CHECK_EQ(pair.take_all(0), Payloads{"b"});
}

TEST_CASE("A tail that is given in small pieces says the same; each fact is behind the one before it") {
  Replaced pair;
  subscribe_all(pair.loser, 3, "#");
  for (int i = 0; i < 50; ++i) publish_from(pair.loser, 3, "t/" + std::to_string(i), "m");
  const Lsn cut = pair.end();
  const std::vector<TailFact> whole = trimmed_tail_of(pair.loser, Lsn{}, cut);
  const std::vector<TailFact> pieces = trimmed_tail_of(pair.loser, Lsn{}, cut, 1);
  REQUIRE_EQ(whole.size(), pieces.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CHECK_EQ(whole[i].bytes, pieces[i].bytes);
    CHECK(pieces[i].origin.epoch == whole[i].origin.epoch);
    CHECK(pieces[i].origin.lsn == whole[i].origin.lsn);
    CHECK_EQ(pieces[i].origin.index, whole[i].origin.index);
  }
  check_ascends(whole);
}

TEST_CASE("The facts of State ascend, too, if the first missing record is a message of the reign that goes on") {
  World l;
  subscribe_all(l, 1, "t");
  l.connect(l.client(2));
  l.end_turn();
  const Lsn common{l.last_lsn()};
  for (const char* payload : {"m1", "m2"}) l.publish(l.client(2), "t", payload);
  l.end_turn();
  for (const std::uint64_t cut : {common.value + 1, common.value + 2}) {
    const std::vector<TailFact> facts = trimmed_tail_of(l, common, Lsn{cut});
    check_ascends(facts);
  }
}

TEST_CASE("A packet id that the publisher released in the missing part is free at the winner") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  publish_from(w, 2, "t", "before", qos2(5));
  w.lose(w.client(2));
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(2), durable());
  l.pubrel(l.client(2), 5);
  l.end_turn();
  ForkIndex fork = index_of(w, pair.common);
  MergeReport report;
  for (const TailFact& fact : trimmed_tail_of(l, pair.common, Lsn{l.last_lsn()})) w.merge(fork, fact, report);
  w.check();
  w.connect(w.client(2), durable());
  CHECK_FALSE(w.publish(w.client(2), "t", "m2", qos2(5)).duplicate);
}

}  // namespace tandem::core::test
