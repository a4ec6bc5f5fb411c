// Wills: when they go out, and when not.
#include "doctest.hpp"
#include "world.hpp"

namespace tandem::core::test {

namespace {

// A durable watcher of everything, and a client with a will.
struct Scene {
  World world;
  Client& watcher = world.client(0);
  Client& client = world.client(1);

  Scene() {
    world.connect(watcher, durable());
    world.subscribe(watcher, "#");
    watcher.take();
  }
  void connect(const WillOptions& will, ConnectOptions options = {}) {
    options.will = will;
    world.connect(client, options);
  }
  std::vector<std::string> seen() { return world.drain(watcher); }
};

using Payloads = std::vector<std::string>;

}  // namespace

TEST_CASE("MQTT5-3.1.2-8 MQTT5-3.1.2-10: a lost connection sends the will, once") {
  Scene s;
  s.connect({.topic = "w", .payload = "gone"});
  s.world.lose(s.client);
  CHECK_EQ(s.seen(), Payloads{"gone"});
  CHECK(s.world.active().wills().empty());
  s.world.advance_ms(100'000);
  CHECK(s.seen().empty());
  s.world.check();
}

TEST_CASE("MQTT5-3.14.4-3 MQTT311-3.14.4-3: DISCONNECT 0x00 deletes the will, 0x04 does not") {
  Scene s;
  s.connect({});
  s.world.disconnect(s.client);
  CHECK(s.seen().empty());
  CHECK(s.world.active().wills().empty());
  s.connect({});
  s.world.disconnect(s.client, mqtt::Reason::disconnect_with_will);
  CHECK_EQ(s.seen(), Payloads{"gone"});
  s.world.check();
}

TEST_CASE("MQTT5-3.1.3-9 T-02: a return inside the will delay cancels the will") {
  Scene s;
  s.connect({.delay_s = 10}, durable());
  s.world.lose(s.client);
  s.world.advance_ms(9'999);
  CHECK(s.seen().empty());
  s.world.connect(s.client, durable());
  s.world.advance_ms(60'000);
  CHECK(s.seen().empty());
  CHECK(s.world.active().wills().empty());
  s.world.check();
}

TEST_CASE("MQTT5-3.1.2-8: a delayed will goes out after its delay") {
  Scene s;
  s.connect({.delay_s = 10}, durable());
  s.world.lose(s.client);
  s.world.advance_ms(10'000);
  CHECK_EQ(s.seen(), Payloads{"gone"});
  s.world.check();
}

TEST_CASE("T-01 U-26: a will delay longer than the session's expiry ends with the session") {
  Scene s;
  s.connect({.delay_s = 50}, durable(5));
  s.world.lose(s.client);
  s.world.advance_ms(4'999);
  CHECK(s.seen().empty());
  s.world.advance_ms(1);
  CHECK_EQ(s.seen(), Payloads{"gone"});
  CHECK_EQ(s.world.session(s.client), nullptr);
  s.connect({.delay_s = 50});  // expiry 0: at once
  s.world.lose(s.client);
  CHECK_EQ(s.seen(), Payloads{"gone"});
  s.connect({.delay_s = 50}, durable(100));
  s.world.disconnect(s.client, mqtt::Reason::disconnect_with_will, 3);
  s.world.advance_ms(3'000);
  CHECK_EQ(s.seen(), Payloads{"gone"});
  s.world.check();
}

TEST_CASE(
    "U-25 T-03: at a takeover the old will goes out if its delay or its session's expiry is 0, or by Clean Start") {
  Scene s;
  s.connect({.payload = "no delay"}, durable());
  s.world.connect(s.client, durable());
  CHECK_EQ(s.seen(), Payloads{"no delay"});

  s.connect({.payload = "expiry 0", .delay_s = 10});
  s.world.connect(s.client);
  CHECK_EQ(s.seen(), Payloads{"expiry 0"});

  s.connect({.payload = "clean start", .delay_s = 10}, durable());
  ConnectOptions clean = durable();
  clean.clean_start = true;
  s.world.connect(s.client, clean);
  CHECK_EQ(s.seen(), Payloads{"clean start"});

  s.connect({.payload = "resumed", .delay_s = 10}, durable());
  s.world.connect(s.client, durable());
  s.world.advance_ms(20'000);
  CHECK(s.seen().empty());
  s.world.check();
}

TEST_CASE("T-02: a clean start ends the wait of a delayed will") {
  Scene s;
  s.connect({.delay_s = 10}, durable());
  s.world.lose(s.client);
  ConnectOptions clean = durable();
  clean.clean_start = true;
  s.world.connect(s.client, clean);
  CHECK_EQ(s.seen(), Payloads{"gone"});
  s.world.check();
}

TEST_CASE("T-06: the will of the new connection is not the old one's, and stays while it is connected") {
  Scene s;
  s.connect({.payload = "old"}, durable());
  s.connect({.payload = "new"}, durable());
  CHECK_EQ(s.seen(), Payloads{"old"});
  s.world.advance_ms(100'000);
  CHECK(s.seen().empty());
  Effects effects;
  Applying to{s.world.active(), 500, s.world.now(), effects};
  apply(to, WillFired{s.client.id, {}});  // of another lineage: its client is connected here
  CHECK(effects.empty());
  s.world.check();
}

TEST_CASE("MQTT5-3.1.2-14 MQTT5-3.1.2-15: a will is retained if it says so, and an empty one clears") {
  Scene s;
  s.connect({.topic = "w", .payload = "here", .retain = true});
  s.world.lose(s.client);
  REQUIRE_EQ(s.world.active().retained().count("w"), 1);
  CHECK_EQ(s.world.active().retained().find("w")->second.message->view().payload, "here");
  s.world.check();
  s.connect({.topic = "w", .payload = "", .retain = true});
  s.world.lose(s.client);
  CHECK(s.world.active().retained().empty());
  s.seen();
  s.world.check();
  CHECK_EQ(s.world.active().messages().count(), 0);
}

TEST_CASE("A will's message expiry counts from when it goes out") {
  Scene s;
  s.connect({.delay_s = 10, .expiry_s = 30}, durable());
  s.world.lose(s.client);
  s.world.disconnect(s.watcher);
  s.world.advance_ms(12'000);
  s.world.advance_ms(5'000);
  s.world.connect(s.watcher, durable());
  const auto events = s.watcher.take_publishes();
  REQUIRE_EQ(events.size(), 1);
  CHECK_EQ(events[0].expiry_s, 25);
}

TEST_CASE("The wills of clients of the last reign wait max(delay, 1.5 x keep-alive); the configured time without one") {
  const auto fires_after_ms = [](ConnectOptions options, std::uint32_t delay_s, std::uint32_t configured_s) {
    Scene s;
    s.world.policy.will_grace_s = configured_s;
    s.connect({.delay_s = delay_s}, options);
    s.world.advance_ms(1'000);
    s.world.take_over();
    s.world.connect(s.watcher, durable());
    s.watcher.take();
    std::int64_t waited_ms = 0;
    while (waited_ms < 1'000'000 && s.seen().empty()) {
      s.world.advance_ms(500);
      waited_ms += 500;
    }
    s.world.check();
    return waited_ms;
  };
  ConnectOptions options;  // clean: most wills are in clean sessions
  options.keep_alive_s = 10;
  CHECK_EQ(fires_after_ms(options, 0, 0), 15'000);
  CHECK_EQ(fires_after_ms(options, 100, 0), 100'000);
  CHECK_EQ(fires_after_ms(options, 0, 40), 15'000);
  options.keep_alive_s = 0;
  CHECK_EQ(fires_after_ms(options, 0, 0), 60'000);
  CHECK_EQ(fires_after_ms(options, 0, 40), 40'000);
  options = durable(5);
  options.keep_alive_s = 10;
  CHECK_EQ(fires_after_ms(options, 0, 0), 15'000);
}

TEST_CASE("Any return of its client cancels a will that waits for a new reign, Clean Start too") {
  for (const bool clean_start : {false, true}) {
    Scene s;
    s.connect({.delay_s = 5});
    s.world.take_over();
    s.world.connect(s.watcher, durable());
    ConnectOptions options;
    options.clean_start = clean_start;
    s.world.connect(s.client, options);
    s.world.advance_ms(200'000);
    CHECK(s.seen().empty());
    s.world.check();
  }
}

TEST_CASE("A will that is on its way keeps no durable message alive, whatever becomes of the effects") {
  Scene s;
  s.connect({.qos = 0}, {});
  s.world.end_turn();
  State& state = s.world.active();
  Effects effects;
  Applying to{state, 500, s.world.now(), effects};
  apply(to, Disconnected{s.client.id, true, std::nullopt});
  Applying then{state, 501, s.world.now(), effects};
  apply(then, WillFired{s.client.id, {}});
  CHECK_EQ(state.messages().count(), 0);
  CHECK(recompute_digest(state) == state.digest());
  CHECK_EQ(effects.current.payload, "gone");
}

}  // namespace tandem::core::test
