// Sessions: begun, resumed, expired, and what a transient one may not do.
#include "doctest.hpp"
#include "world.hpp"

namespace tandem::core::test {

TEST_CASE("MQTT5-3.1.2-5 MQTT5-3.1.2-6 MQTT5-3.2.2-3: a session is resumed if there is one, and the CONNACK says so") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable());
  CHECK_FALSE(a.take().front().session_present);
  world.subscribe(a, "t");
  world.lose(a);
  world.publish((world.connect(world.client(1)), world.client(1)), "t", "kept");
  world.connect(a, durable());
  CHECK(a.events.front().session_present);
  CHECK_EQ(world.drain(a), std::vector<std::string>{"kept"});
  world.check();
}

TEST_CASE("MQTT5-3.1.2-4 MQTT5-3.2.2-2: Clean Start throws the old session away") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable());
  world.subscribe(a, "t");
  const SessionId old = a.session;
  world.lose(a);
  ConnectOptions clean = durable();
  clean.clean_start = true;
  world.connect(a, clean);
  CHECK_FALSE(a.events.front().session_present);
  CHECK_NE(a.session, old);
  CHECK(world.session(a)->subscriptions.empty());
  CHECK_EQ(world.active().session(old), nullptr);
  world.check();
}

TEST_CASE("MQTT311-3.1.2-4 MQTT311-3.1.2-6: CleanSession 0 lasts, CleanSession 1 dies with its connection") {
  World world;
  Client& a = world.client(0);
  world.connect(a, v3(false));
  world.lose(a);
  world.advance_ms(1000LL * 86'400 * 365);
  world.connect(a, v3(false));
  CHECK(a.take().front().session_present);
  world.connect(a, v3(true));
  CHECK_FALSE(a.take().front().session_present);
  world.lose(a);
  CHECK_EQ(world.session(a), nullptr);
  world.check();
}

TEST_CASE("MQTT5-4.1.0-2 MQTT5-3.1.2-23: a session lives for its expiry interval after the connection, no longer") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable(10));
  world.lose(a);
  world.advance_ms(9'999);
  CHECK_NE(world.session(a), nullptr);
  world.advance_ms(1);
  CHECK_EQ(world.session(a), nullptr);
  world.check();
  world.connect(a, durable(10));
  CHECK_FALSE(a.take().front().session_present);
}

TEST_CASE("U-07: 0xFFFFFFFF never expires") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable(never_expires));
  world.lose(a);
  CHECK_EQ(world.active().due().size(), 0);
  world.advance_ms(1000LL * 0xFFFFFFFF + 1);
  CHECK_NE(world.session(a), nullptr);
}

TEST_CASE("A session that has expired is not resumed, even if its end was not recorded yet") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable(10));
  world.subscribe(a, "t");
  world.lose(a);
  world.end_turn();
  State& state = world.active();
  Effects effects;
  Connected record;
  record.client_id = a.id;
  record.durable = true;
  record.session_expiry_s = 10;
  Applying to{state, 1000, world.now().plus_ms(10'000), effects};
  apply(to, record, ConnectionId{0, 99});
  CHECK_FALSE(effects.list.front().session_present);
  CHECK(state.session_of(a.id)->subscriptions.empty());
  CHECK_EQ(effects.time, to.time);
}

TEST_CASE("T-04: a resumed session whose new expiry is 0 ends with the connection, before anything can find it") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable(100));
  world.subscribe(a, "t");
  ConnectOptions resume = durable(0);
  world.connect(a, resume);
  CHECK(a.take().front().session_present);  // the old session is resumed, for this connection only
  CHECK(world.session(a)->durable);
  world.connect(a, resume);  // a takeover ends it
  CHECK_FALSE(a.take().front().session_present);
  CHECK(world.session(a)->subscriptions.empty());
  world.check();

  world.connect(a, durable(100));
  world.connect(a, resume);
  world.begin_reign();  // so does the end of a reign
  CHECK_EQ(world.session(a), nullptr);
  world.check();
}

TEST_CASE("U-09: DISCONNECT changes the session's expiry") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable(100));
  world.disconnect(a, mqtt::Reason::success, 5);
  world.advance_ms(5'000);
  CHECK_EQ(world.session(a), nullptr);
  world.connect(a, durable(100));
  world.disconnect(a, mqtt::Reason::success, 0);
  CHECK_EQ(world.session(a), nullptr);
  world.check();
}

TEST_CASE("A reign begins: nobody is connected, and expiry clocks start at its time") {
  World world;
  Client& a = world.client(0);
  Client& b = world.client(1);
  world.connect(a, durable(10));
  world.connect(b, durable(10));
  world.lose(b);
  world.advance_ms(8'000);
  world.take_over();
  CHECK_FALSE(world.session(a)->connected);
  CHECK_EQ(world.active().connected_sessions().size(), 0);
  world.advance_ms(3'000);
  CHECK_NE(world.session(a), nullptr);
  CHECK_EQ(world.session(b), nullptr);  // its clock went on
  world.advance_ms(7'000);
  CHECK_EQ(world.session(a), nullptr);
  world.check();
}

TEST_CASE("A transient session is in no record and changes nothing durable") {
  World world;
  Client& a = world.client(0);
  Client& b = world.client(1);
  const std::uint64_t before = world.last_lsn();
  const std::string state = describe(world.active());
  world.connect(a);
  world.connect(b, v3(true));
  world.subscribe(a, "t/#");
  for (unsigned qos = 0; qos <= 2; ++qos) {
    const Published1 result = world.publish(b, "t/x", std::to_string(qos), {.qos = qos});
    CHECK_FALSE(result.recorded);
    if (qos == 2) world.pubrel(b, result.packet_id);
  }
  CHECK_EQ(world.drain(a), std::vector<std::string>{"0", "1", "2"});
  world.unsubscribe(a, "t/#");
  world.lose(a);
  world.disconnect(b);
  CHECK_EQ(world.last_lsn(), before);
  CHECK_EQ(describe(world.active()), state);
  CHECK_EQ(world.active().messages().count(), 0);
  world.check();
}

TEST_CASE("A transient subscriber beside a durable one holds no durable message") {
  World world;
  Client& transient = world.client(0);
  Client& stored = world.client(1);
  world.connect(transient, {.receive_maximum = 1});
  world.connect(stored, durable());
  world.subscribe(transient, "t");
  world.subscribe(stored, "t");
  world.connect(world.client(2));
  for (int i = 0; i < 5; ++i) world.publish(world.client(2), "t", std::to_string(i));
  world.drain(stored);
  CHECK_EQ(world.active().messages().count(), 0);
  world.check();
  CHECK_EQ(world.drain(transient).size(), 5);
}

TEST_CASE("MQTT5-3.1.3-6 MQTT5-3.1.3-7 MQTT311-3.1.3-8: a client without an id") {
  State state;
  Policy policy;
  policy.allow_anonymous = true;
  mqtt::Connect packet;
  ConnectVerdict verdict;
  packet.version = mqtt::Version::v5;
  packet.clean_start = false;
  packet.properties.session_expiry_s = 7;
  decide_connect(state, policy, packet, "00ff", Instant{}, verdict);
  CHECK_EQ(verdict.refusal, mqtt::Reason::success);
  CHECK_EQ(verdict.generated_id, "auto-00ff");
  CHECK_EQ(verdict.record.client_id, "auto-00ff");
  packet.version = mqtt::Version::v311;
  decide_connect(state, policy, packet, "00ff", Instant{}, verdict);
  CHECK_EQ(verdict.refusal, mqtt::Reason::client_identifier_not_valid);
}

TEST_CASE("MQTT5-3.2.2-21: the record of a 5.0 client holds the longest keep-alive that the broker allows") {
  State state;
  Policy policy;
  policy.allow_anonymous = true;
  policy.max_keep_alive_s = 60;
  mqtt::Connect packet;
  packet.client_id = "id";
  ConnectVerdict verdict;
  struct Case {
    mqtt::Version version;
    std::uint16_t asked_s;
    std::uint16_t holds_s;
  };
  const Case cases[] = {{mqtt::Version::v5, 61, 60},  {mqtt::Version::v5, 0, 60},    {mqtt::Version::v5, 60, 60},
                        {mqtt::Version::v5, 1, 1},    {mqtt::Version::v311, 61, 61}, {mqtt::Version::v311, 0, 0},
                        {mqtt::Version::v31, 61, 61}, {mqtt::Version::v31, 0, 0}};
  for (const Case& c : cases) {
    CAPTURE(c.asked_s);
    packet.version = c.version;
    packet.keep_alive_s = c.asked_s;
    decide_connect(state, policy, packet, "", Instant{}, verdict);
    CHECK_EQ(verdict.record.keep_alive_s, c.holds_s);
    CHECK_EQ(verdict.shorter_keep_alive, c.holds_s != c.asked_s);
  }
}

TEST_CASE("MQTT5-3.1.4-2: who may not connect is refused without a trace") {
  World world;
  world.policy.max_sessions = 1;
  CHECK_EQ(world.connect(world.client(0), durable()), mqtt::Reason::success);
  CHECK_EQ(world.connect(world.client(1)), mqtt::Reason::quota_exceeded);
  CHECK_EQ(world.connect(world.client(0), durable()), mqtt::Reason::success);
  world.policy.allow_anonymous = false;
  CHECK_EQ(world.connect(world.client(0), durable()), mqtt::Reason::not_authorized);
  ConnectOptions bad_will;
  bad_will.will = WillOptions{.topic = "a/#"};
  world.policy.allow_anonymous = true;
  CHECK_EQ(world.connect(world.client(0), bad_will), mqtt::Reason::topic_name_invalid);
  world.check();
}

}  // namespace tandem::core::test
