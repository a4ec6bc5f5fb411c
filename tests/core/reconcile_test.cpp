// RECONCILE: what becomes of each thing that the loser of a split has acknowledged.
#include "doctest.hpp"

#include "disk.hpp"
#include "split.hpp"

namespace tandem::core::test {

namespace {

using Payloads = std::vector<std::string>;

// `count` clients with durable sessions, subscribed to `filter`, then gone.
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
                  const PublishOptions& options = {}) {
  if (!world.client(client).connected()) world.connect(world.client(client), durable());
  world.publish(world.client(client), topic, payload, options);
}

PublishOptions qos2(std::uint16_t packet_id) {
  PublishOptions options;
  options.qos = 2;
  options.packet_id = packet_id;
  return options;
}

PublishOptions retained() {
  PublishOptions options;
  options.retain = true;
  return options;
}

std::string retained_at(World& world, const std::string& topic) {
  const auto found = world.active().retained().find(topic);
  return found == world.active().retained().end() ? "-" : std::string(found->second.message->view().payload);
}

}  // namespace

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
      if (event.payload != "b") l.ack(l.client(0), event.qos == 1 ? mqtt::Type::puback : mqtt::Type::pubrec, event.packet_id);
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

TEST_CASE("Retained: the newest by log time wins, and each contest is told") {
  Split pair;
  World& w = *pair.winner;
  w.connect(w.client(2), durable());
  for (const char* topic : {"kept", "old", "gone", "only"}) w.publish(w.client(2), topic, "common", retained());
  pair.split();
  World& l = *pair.loser;
  publish_from(l, 2, "old", "loser", retained());
  publish_from(l, 2, "tie", "loser", retained());
  publish_from(w, 2, "tie", "winner", retained());
  publish_from(w, 2, "kept", "winner", retained());
  publish_from(w, 2, "gone", "winner", retained());
  pair.advance_ms(10);
  publish_from(w, 2, "old", "winner", retained());
  publish_from(l, 2, "kept", "loser", retained());
  publish_from(l, 2, "gone", "", retained());
  publish_from(l, 2, "only", "loser", retained());
  const MergeReport report = pair.merge();
  CHECK_EQ(retained_at(w, "kept"), "loser");
  CHECK_EQ(retained_at(w, "old"), "winner");
  CHECK_EQ(retained_at(w, "gone"), "-");
  CHECK_EQ(retained_at(w, "tie"), "winner");
  CHECK_EQ(retained_at(w, "only"), "loser");
  CHECK_EQ(report.retained, 3);
  CHECK_EQ(report.superseded, 2 + 1);  // and the publisher's session
  Payloads contests;
  for (const std::string& line : pair.lines) {
    if (line.starts_with("retained")) contests.push_back(line.substr(0, line.find(':')));
  }
  CHECK_EQ(contests, Payloads{"retained 'old'", "retained 'tie'", "retained 'kept'", "retained 'gone'"});
}

TEST_CASE("A retained message that wins goes to whoever is connected, one that loses to durable sessions only") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 1, "t");
  pair.split();
  w.connect(w.client(3), {});
  w.subscribe(w.client(3), "t");
  w.client(3).take();
  PublishOptions qos0 = retained();
  qos0.qos = 0;
  publish_from(*pair.loser, 2, "t", "m1", retained());
  publish_from(*pair.loser, 2, "t", "m2", qos0);
  publish_from(*pair.loser, 2, "t", "m3");
  pair.merge();
  CHECK_EQ(w.drain(w.client(3)), Payloads{"m1", "m2"});
  CHECK_EQ(pair.take_all(0), Payloads{"m1", "m3"});
  CHECK_EQ(retained_at(w, "t"), "m2");
}

TEST_CASE("A retained will that fired at the winner counts as its value, by State") {
  Split pair;
  World& w = *pair.winner;
  ConnectOptions with_will = durable();
  with_will.will = WillOptions{"state", "dead", 1, true};
  w.connect(w.client(1), with_will);
  pair.split();
  publish_from(*pair.loser, 2, "state", "alive", retained());
  pair.advance_ms(10);
  w.lose(w.client(1));
  CHECK_EQ(retained_at(w, "state"), "dead");
  pair.merge();
  CHECK_EQ(retained_at(w, "state"), "dead");
}

TEST_CASE("Subscriptions: the newest change of each wins; those of the loser alone come over") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 1, "both");
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(0), durable());
  SubscribeOptions first;
  first.identifier = 1;
  SubscribeOptions second;
  second.identifier = 2;
  l.subscribe(l.client(0), "x", first);
  l.subscribe(l.client(0), "only", first);
  l.unsubscribe(l.client(0), "both");
  l.lose(l.client(0));
  pair.advance_ms(5);
  w.connect(w.client(0), durable());
  w.subscribe(w.client(0), "x", second);
  w.subscribe(w.client(0), "both", second);
  w.subscribe(w.client(0), "y", second);
  w.lose(w.client(0));
  pair.advance_ms(5);
  l.connect(l.client(0), durable());
  l.subscribe(l.client(0), "y", first);
  pair.merge();
  const auto& subscriptions = pair.session(w.client(0))->subscriptions;
  REQUIRE_EQ(subscriptions.size(), 4);
  CHECK_EQ(subscriptions.at("x").identifier, 2);
  CHECK_EQ(subscriptions.at("both").identifier, 2);
  CHECK_EQ(subscriptions.at("only").identifier, 1);
  CHECK_EQ(subscriptions.at("y").identifier, 1);
}

TEST_CASE("A session that only the loser has is made at the winner; its clock starts there") {
  Split pair;
  World& w = *pair.winner;
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(0), durable(30));
  l.subscribe(l.client(0), "t");
  l.lose(l.client(0));
  publish_from(l, 2, "t", "m1");
  pair.advance_ms(20'000);
  pair.merge();
  const Session* session = pair.session(w.client(0));
  REQUIRE_NE(session, nullptr);
  CHECK_FALSE(session->connected);
  CHECK_EQ(session->expires_at, w.now().plus_ms(30'000));
  CHECK_EQ(session->expiry_s, 30);
  CHECK_EQ(pair.take_all(0), Payloads{"m1"});
}

TEST_CASE("Sessions: the newest change wins, and a client that is connected to the winner stays as it is") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 3, "t");
  pair.split();
  World& l = *pair.loser;
  ConnectOptions anew = durable(100);
  anew.clean_start = true;
  w.connect(w.client(0), durable());  // connected to both; the loser's is newer
  w.connect(w.client(1), durable());
  w.lose(w.client(1));
  pair.advance_ms(10);
  l.connect(l.client(0), anew);
  l.connect(l.client(1), anew);
  l.connect(l.client(2), ConnectOptions{});  // its durable session ends
  pair.merge();
  CHECK(pair.session(w.client(0))->subscriptions.contains("t"));
  CHECK(pair.session(w.client(1))->subscriptions.empty());
  CHECK_EQ(pair.session(w.client(1))->expiry_s, 100);
  CHECK_EQ(pair.session(w.client(2)), nullptr);
}

TEST_CASE("A disconnect at the loser that ends or shortens the session counts at the winner") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 2, "t");
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(0), durable());
  l.disconnect(l.client(0), mqtt::Reason::success, 0);
  l.connect(l.client(1), durable());
  l.disconnect(l.client(1), mqtt::Reason::success, 10);
  pair.merge();
  CHECK_EQ(pair.session(w.client(0)), nullptr);
  CHECK_EQ(pair.session(w.client(1))->expiry_s, 10);
  pair.advance_ms(10'000);
  CHECK_EQ(pair.session(w.client(1)), nullptr);
}

TEST_CASE("A will that was set at the loser waits at the winner for its client, then fires once") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 1, "will");
  pair.split();
  World& l = *pair.loser;
  ConnectOptions with_will;
  with_will.will = WillOptions{};
  for (const std::size_t i : {1U, 2U, 3U}) {
    with_will.will->payload = "gone" + std::to_string(i);
    l.connect(l.client(i), with_will);
  }
  l.disconnect(l.client(2));  // no will
  pair.merge();
  w.connect(w.client(3), {});  // it is back
  CHECK_EQ(w.active().wills().size(), 1);
  pair.advance_ms(89'999);
  CHECK_EQ(w.active().wills().size(), 1);
  pair.advance_ms(1);
  CHECK_EQ(pair.take_all(0), Payloads{"gone1"});
  CHECK(w.active().wills().empty());
}

TEST_CASE("A will that both held and the loser fired is fired here for those who wait, at once") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 2, "will");
  ConnectOptions with_will;
  with_will.will = WillOptions{};
  w.connect(w.client(3), with_will);
  w.begin_reign();  // the winner's: nobody is connected
  w.end_turn();
  pair.loser = pair.winner->fork();
  pair.common = Lsn{w.last_lsn()};
  World& l = *pair.loser;
  l.connect(l.client(1), durable());
  pair.loser->advance_ms(90'000);
  CHECK_EQ(l.drain(l.client(1)), Payloads{"gone"});
  CHECK_EQ(w.active().wills().size(), 1);
  const MergeReport report = pair.merge();
  CHECK_EQ(report.wills, 1);
  CHECK(w.active().wills().empty());
  CHECK_EQ(pair.take_all(0), Payloads{"gone"});
  CHECK_EQ(pair.take_all(1), Payloads{});
}

TEST_CASE("A will that the loser set and fired comes over once, whatever the winner knows of its client") {
  for (const bool back_here : {false, true}) {
    Split pair;
    World& w = *pair.winner;
    subscribe_all(w, 1, "will");
    pair.split();
    World& l = *pair.loser;
    ConnectOptions with_will;
    with_will.will = WillOptions{};
    l.connect(l.client(3), with_will);
    l.lose(l.client(3));
    pair.advance_ms(5);
    if (back_here) {
      with_will.will->payload = "newer";
      w.connect(w.client(3), with_will);
    }
    pair.merge();
    CHECK_EQ(pair.take_all(0), Payloads{"gone"});
    CHECK_EQ(w.active().wills().size(), back_here ? 1 : 0);
    pair.advance_ms(200'000);
    if (!back_here) CHECK_EQ(pair.take_all(0), Payloads{});
  }
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

TEST_CASE("What does not fit is told and dropped, and the merge goes on") {
  Split pair;
  World& w = *pair.winner;
  subscribe_all(w, 1, "t");
  pair.split();
  World& l = *pair.loser;
  l.connect(l.client(0), durable());
  for (int i = 0; i < 4; ++i) l.subscribe(l.client(0), "f" + std::to_string(i));
  l.connect(l.client(1), durable());
  publish_from(l, 2, "r1", "x", retained());
  publish_from(l, 2, "r2", "x", retained());
  w.policy.max_subscriptions_per_session = 3;
  w.policy.max_sessions = 2;
  w.policy.max_retained = 1;
  const MergeReport report = pair.merge();
  CHECK(report.complete);
  CHECK_EQ(report.refused, 2 + 1 + 1);
  CHECK_EQ(pair.session(w.client(0))->subscriptions.size(), 3);
  CHECK_EQ(w.active().sessions().size(), 2);
  CHECK_EQ(w.active().retained().size(), 1);
  CHECK_EQ(pair.lines.size(), 4);
}

TEST_CASE("A merge that is interrupted anywhere and repeated merges each fact once, also after failover and from an image") {
  for (std::size_t stop = 0; stop < 12; ++stop) {
    INFO("stopped after " << stop);
    Split pair;
    subscribe_all(*pair.winner, 2, "t");
    pair.split();
    World& w = *pair.winner;
    World& l = *pair.loser;
    l.connect(l.client(1), durable());
    for (const char* payload : {"a", "b", "c", "d"}) publish_from(l, 2, "t", payload, qos2(static_cast<std::uint16_t>(payload[0])));
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
