// RECONCILE: what becomes of the messages that the loser of a split has acknowledged; each fact counts once.
#include "disk.hpp"
#include "doctest.hpp"
#include "split.hpp"

namespace tandem::core::test {

TEST_CASE("A message that the loser acknowledged reaches who waits for it, and nobody twice") {
  Split pair;
  subscribe_all(*pair.winner, 2, "t");
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(1), durable());
  publish_from(l, 2, "t", "m1");
  publish_from(l, 2, "t", "m2", qos2(9));
  CHECK_EQ(l.drain(l.client(1)), Payloads{"m1", "m2"});
  const MergeReport report = pair.merge();
  CHECK(report.complete);
  CHECK_EQ(report.messages, 2);
  CHECK_EQ(report.refused, 0);
  CHECK_EQ(pair.take_all(0), Payloads{"m1", "m2"});
  CHECK_EQ(pair.take_all(1), Payloads{});
}

TEST_CASE("A subscriber that is connected to the winner gets the loser's messages at once") {
  Split pair;
  subscribe_all(*pair.winner, 1, "t");
  pair.split();
  World& w = *pair.winner;
  w.connect(w.client(0), durable());
  publish_from(*pair.loser, 2, "t", "m1");
  pair.merge();
  CHECK_EQ(w.drain(w.client(0)), Payloads{"m1"});
}

TEST_CASE("An unsubscribed client that had the message does not get it again") {
  Split pair;
  subscribe_all(*pair.winner, 1, "t");
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(0), durable());
  publish_from(l, 2, "t", "m1");
  CHECK_EQ(l.drain(l.client(0)), Payloads{"m1"});
  l.unsubscribe(l.client(0), "t");
  pair.merge();
  CHECK_EQ(pair.take_all(0), Payloads{});
  CHECK(pair.session(pair.winner->client(0))->subscriptions.empty());
}

TEST_CASE("What both had queued and the loser delivered is not delivered again, unless the client was at the winner") {
  for (const bool was_here : {false, true}) {
    Split pair;
    World& w = *pair.winner;
    subscribe_all(w, 1, "t");
    for (const char* payload : {"a", "b", "c"}) publish_from(w, 2, "t", payload);
    pair.split();
    World& l = *pair.loser;
    l.connect(l.client(0), durable());
    for (const Event& event : l.client(0).take_publishes()) {
      if (event.payload != "b")
        l.ack(l.client(0), event.qos == 1 ? mqtt::Type::puback : mqtt::Type::pubrec, event.packet_id);
    }
    if (was_here) {
      w.connect(w.client(0), durable());
      w.lose(w.client(0));
    }
    pair.merge();
    CHECK_EQ(pair.take_all(0), was_here ? Payloads{"a", "b", "c"} : Payloads{"b"});
  }
}

TEST_CASE("QoS 2 without its PUBREL is merged and its id held: the client's repetition is a duplicate") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  pair.split();
  publish_from(*pair.loser, 2, "t", "m1", qos2(7));
  pair.merge();
  w.connect(w.client(2), durable());
  CHECK(w.publish(w.client(2), "t", "m1", qos2(7)).duplicate);
  w.pubrel(w.client(2), 7);
  CHECK_FALSE(w.publish(w.client(2), "t", "m2", qos2(7)).duplicate);
  CHECK_EQ(pair.take_all(0), Payloads{"m1", "m2"});
}

TEST_CASE("QoS 2 without its PUBREL that the winner has, too, is not merged") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  pair.split();
  publish_from(*pair.loser, 2, "t", "m1", qos2(7));
  publish_from(w, 2, "t", "m1", qos2(7));
  const MergeReport report = pair.merge();
  CHECK_EQ(report.messages, 0);
  CHECK_EQ(report.superseded, 2);  // and the publisher's session
  CHECK_EQ(pair.take_all(0), Payloads{"m1"});
  CHECK_EQ(pair.session(w.client(2))->held_ids, std::vector<std::uint16_t>{7});
}

TEST_CASE("QoS 2 whose PUBREL came to the winner: merged before it is an end, after it never held again") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  pair.split();
  publish_from(*pair.loser, 2, "t", "m1", qos2(7));
  w.connect(w.client(2), durable());
  w.pubrel(w.client(2), 7);  // the winner does not know the id, the client is done with it
  pair.merge();
  CHECK(pair.session(w.client(2))->held_ids.empty());
  CHECK_FALSE(w.publish(w.client(2), "t", "m2", qos2(7)).duplicate);
}

TEST_CASE("QoS 2 with its PUBREL is always merged; a PUBREL alone releases what both held") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  publish_from(w, 2, "t", "before", qos2(5));
  w.lose(w.client(2));
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(2), durable());
  l.pubrel(l.client(2), 5);
  publish_from(l, 2, "t", "m1", qos2(7));
  l.pubrel(l.client(2), 7);
  publish_from(w, 2, "t", "m2", qos2(7));
  MergeCounts counts;
  tail_of(l, pair.common, pair.common.next(), &counts);
  CHECK_EQ(counts.published, 1);
  CHECK_EQ(counts.released, 2);
  pair.merge();
  CHECK_EQ(pair.session(w.client(2))->held_ids, std::vector<std::uint16_t>{7});
  CHECK_EQ(pair.take_all(0), Payloads{"before", "m2", "m1"});
}

TEST_CASE("QoS 2: an id that was used up at the winner before says nothing about the loser's message with it") {
  for (const bool finished_here : {false, true}) {
    Split pair;
    World& w = *pair.winner;
    subscribe_all(w, 3, "t");
    pair.split();
    publish_from(w, 2, "t", "m1", qos2(7));
    w.pubrel(w.client(2), 7);
    w.lose(w.client(2));
    pair.advance_ms(5);
    publish_from(*pair.loser, 2, "t", "m2", qos2(7));
    pair.advance_ms(5);
    if (finished_here) {
      w.connect(w.client(2), durable());
      w.pubrel(w.client(2), 7);
    }
    pair.merge();
    CHECK_EQ(pair.session(w.client(2))->held_ids.size(), finished_here ? 0 : 1);
    CHECK_EQ(pair.take_all(0), Payloads{"m1", "m2"});
  }
}

TEST_CASE("QoS 2: a PUBREL at the loser ends a flow that began at the winner") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  pair.split();
  publish_from(w, 2, "t", "m1", qos2(7));
  w.lose(w.client(2));
  pair.advance_ms(5);
  World& l = *pair.loser;
  l.connect(l.client(2), durable());
  l.pubrel(l.client(2), 7);
  publish_from(l, 2, "t", "m2", qos2(7));
  pair.merge();
  CHECK_EQ(pair.session(w.client(2))->held_ids, std::vector<std::uint16_t>{7});  // of m2
  w.connect(w.client(2), durable());
  CHECK(w.publish(w.client(2), "t", "m2", qos2(7)).duplicate);
  CHECK_EQ(pair.take_all(0), Payloads{"m1", "m2"});
}

TEST_CASE("QoS 2 out: what the client has confirmed to the loser with PUBREC goes on with PUBREL") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 1, "t");
  publish_from(w, 2, "t", "a", qos2(1));
  publish_from(w, 2, "t", "b", qos2(2));
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(0), durable());
  const std::vector<Event> events = l.client(0).take_publishes();
  REQUIRE_EQ(events.size(), 2);
  l.ack(l.client(0), mqtt::Type::pubrec, events[1].packet_id);
  pair.merge();
  w.connect(w.client(0), durable());
  std::vector<Event> after = w.client(0).take();
  REQUIRE_EQ(after.size(), 3);  // CONNACK
  CHECK_EQ(after[1].payload, "a");
  CHECK_EQ(after[2].kind, EffectKind::ack);
  CHECK_EQ(after[2].ack, mqtt::Type::pubrel);
  CHECK_EQ(after[2].packet_id, events[1].packet_id);
  CHECK_EQ(w.ack(w.client(0), mqtt::Type::pubcomp, after[2].packet_id), AckMeaning::progress);
  w.check();
}

TEST_CASE("A new session of the publisher at the winner does not inherit a held id") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  pair.split();
  publish_from(*pair.loser, 2, "t", "m1", qos2(7));
  pair.advance_ms(5);
  ConnectOptions anew = durable();
  anew.clean_start = true;
  w.connect(w.client(2), anew);
  pair.merge();
  CHECK(pair.session(w.client(2))->held_ids.empty());
  CHECK_EQ(pair.take_all(0), Payloads{"m1"});
}

TEST_CASE("Shared subscriptions: the member that waits gets it, else nobody; one that left is replaced") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "$share/g/t");
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(1), durable());
  publish_from(l, 4, "t", "had");
  CHECK_EQ(l.drain(l.client(1)), Payloads{"had"});
  l.lose(l.client(1));
  std::map<std::string, std::string> owner;
  for (const char* payload : {"m1", "m2", "m3"}) {
    const Published1 published = l.publish(l.client(4), "t", payload);
    REQUIRE_EQ(published.picks.size(), 1);
    owner[payload] = l.active().session(published.picks[0].first)->client_id;
  }
  w.connect(w.client(0), durable());
  w.unsubscribe(w.client(0), "$share/g/t");
  pair.merge();
  std::map<std::string, std::string> got;
  for (std::size_t i = 0; i < 3; ++i) {
    for (const std::string& payload : pair.take_all(i)) CHECK(got.emplace(payload, w.client(i).id).second);
  }
  CHECK_EQ(got.size(), 3);
  CHECK_FALSE(got.contains("had"));
  for (const auto& [payload, client] : owner) {
    if (client == "client0")
      CHECK_NE(got[payload], "client0");
    else
      CHECK_EQ(got[payload], client);
  }
}

TEST_CASE(
    "A merge that is interrupted anywhere and repeated merges each fact once, also after failover and from an image") {
  for (std::size_t stop = 0; stop < 12; ++stop) {
    INFO("stopped after " << stop);
    Split pair;
    subscribe_all(*pair.winner, 2, "t");
    pair.split();
    World& w = *pair.winner;
    World& l = *pair.loser;
    l.connect(l.client(1), durable());
    for (const char* payload : {"a", "b", "c", "d"})
      publish_from(l, 2, "t", payload, qos2(static_cast<std::uint16_t>(payload[0])));
    l.ack(l.client(1), mqtt::Type::pubrec, l.client(1).take_publishes()[0].packet_id);
    const std::vector<TailFact> facts = tail_of(l, pair.common, pair.common.next());
    REQUIRE_EQ(facts.size(), 8);
    MergeReport first;
    {
      ForkIndex fork = index_of(w, pair.common);
      for (std::size_t i = 0; i < stop && i < facts.size(); ++i) w.merge(fork, facts[i], first);
    }
    w.end_turn();
    Disk disk;
    disk.begin(w.active(), w.log().size());
    while (!disk.step(3)) {
    }
    const auto loaded = disk.load();
    CHECK_EQ(describe(*loaded), describe(w.active()));
    CHECK(loaded->digest() == w.active().digest());
    w.take_over(disk.load());  // the standby goes on; the next standby comes from the image
    ForkIndex fork = index_of(w, pair.common);
    MergeReport second;
    for (const TailFact& fact : facts) w.merge(fork, fact, second);
    CHECK(second.complete);
    CHECK_EQ(second.already, std::min(stop, facts.size()));
    w.check();
    const std::uint64_t end = w.last_lsn();
    MergeReport third;
    for (const TailFact& fact : facts) CHECK_EQ(w.merge(fork, fact, third), MergeEnd::already);
    CHECK_EQ(w.last_lsn(), end);
    CHECK_EQ(pair.take_all(0), Payloads{"a", "b", "c", "d"});
    CHECK_EQ(pair.take_all(1), Payloads{"b", "c", "d"});
  }
}

TEST_CASE("A tail with what was merged into it keeps the older names") {
  Split pair;
  subscribe_all(*pair.winner, 2, "t");
  pair.split();
  const auto third = pair.winner->fork();
  publish_from(*pair.loser, 2, "t", "m1");
  pair.merge();
  // Now the box that merged is the loser, and the third one, which has seen neither, the winner.
  Split next;
  next.winner = third->fork();
  next.loser = std::move(pair.winner);
  next.common = pair.common;
  const std::vector<TailFact> facts = tail_of(*next.loser, next.common, next.common.next());
  std::size_t older = 0;
  for (const TailFact& fact : facts) older += fact.origin.epoch.store == 43 ? 1U : 0U;
  CHECK_EQ(older, 3);  // connected, published, the end
  next.merge();
  CHECK_EQ(next.take_all(0), Payloads{"m1"});
  // The first loser offers its own tail to it: nothing is new.
  Split last;
  last.winner = std::move(next.winner);
  last.loser = std::move(pair.loser);
  last.common = next.common;
  const MergeReport report = last.merge();
  CHECK_EQ(report.messages, 0);
  CHECK_EQ(report.already, report.facts);
}

TEST_CASE("Only so many epochs are remembered") {
  State state;
  Effects effects;
  ForkIndex fork(Lsn{0});
  ReconcileVerdict verdict;
  ByteBuffer bytes;
  encode_fact({{}, EndFact{}}, bytes);
  for (std::uint64_t n = 1; n <= 300; ++n) {
    const Origin origin{Epoch{n, NodeId{1}, 1}, Lsn{n}, Instant{}, 0};
    decide_reconciled(state, fork, Policy{}, origin, decode_fact(bytes).value(), Instant{}, verdict);
    Applying to{state, n, Instant{}, effects};
    apply(to, verdict.record);
    CHECK(merged_already(state, origin));
  }
  CHECK_EQ(state.globals().merged.size(), max_merged_epochs);
  CHECK_FALSE(merged_already(state, Origin{Epoch{1, NodeId{1}, 1}, Lsn{1}, Instant{}, 0}));
  CHECK(recompute_digest(state) == state.digest());
}

}  // namespace tandem::core::test
