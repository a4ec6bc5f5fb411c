// RECONCILE: retained messages, subscriptions, sessions and wills of both sides; what does not fit.
#include "doctest.hpp"
#include "split.hpp"

namespace tandem::core::test {

namespace {

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

TEST_CASE("A session that time ended at the loser lives on at the winner if its client was there") {
  for (const bool was_here : {false, true}) {
    Split pair;
    World& w = *pair.winner;
    w.connect(w.client(0), durable(60));
    w.lose(w.client(0));
    w.end_turn();
    pair.split();
    pair.advance_ms(30'000);
    if (was_here) {
      w.connect(w.client(0), durable(60));
      w.lose(w.client(0));
    }
    pair.loser->advance_ms(30'000);
    CHECK_EQ(pair.loser->active().session_of("client0"), nullptr);
    pair.merge();
    CHECK_EQ(pair.session(w.client(0)) != nullptr, was_here);
  }
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

TEST_CASE("A session that the loser began only because it knew of none does not end the winner's") {
  Split pair;
  World& w = *pair.winner;
  pair.split();
  World& l = *pair.loser;
  subscribe_all(w, 1, "t");
  PublishOptions exactly_once;
  exactly_once.qos = 2;
  w.connect(w.client(0), durable());
  w.publish(w.client(0), "u", "held", exactly_once);
  w.lose(w.client(0));
  publish_from(w, 2, "t", "waits");
  REQUIRE_FALSE(pair.session(w.client(0))->held_ids.empty());
  pair.advance_ms(10);
  l.connect(l.client(0), durable(200));  // told that there is no session
  l.lose(l.client(0));
  pair.merge();
  CHECK_EQ(pair.session(w.client(0))->expiry_s, 200);
  CHECK(pair.session(w.client(0))->subscriptions.contains("t"));
  CHECK(pair.session(w.client(0))->held_ids.empty());
  CHECK_EQ(pair.take_all(0), Payloads{"waits"});
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

}  // namespace tandem::core::test
