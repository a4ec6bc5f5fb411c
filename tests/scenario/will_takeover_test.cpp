// Wills over a takeover: a delay goes on, and a client that was connected has time to come back.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/scenario/stage.hpp"

using namespace tandem::test;

namespace {

constexpr std::int64_t soon_ms = 1'500;  // log time is looked at with the beats; and the packet's way

Connect mortal(std::uint32_t delay_s, std::uint16_t keepalive_s = 60) {
  Connect connect = durable("mortal");
  connect.keepalive_s = keepalive_s;
  connect.will = Will{.topic = "will", .payload = "gone", .qos = 1, .retain = false, .delay_s = {}, .properties = {}};
  if (delay_s != 0) connect.will->delay_s = delay_s;
  return connect;
}

// Somebody who hears of wills, also of those that came while nobody served.
struct Watched {
  explicit Watched(Standby standby, const Connect& connect)
      : stage(standby), watcher(stage, durable("watcher")), client(stage, connect) {
    watcher.connect();
    watcher.subscribe({{"will", 2}});
    client.connect();
  }

  void take_over() {
    stage.take_over();
    watcher.connect();
  }

  // Not before, once, and nothing after it.
  Packet expect_will_at(std::int64_t at_ms) {
    stage.run_until(at_ms - soon_ms);
    watcher.expect_nothing();
    stage.run_until(at_ms + soon_ms);
    Packet will = watcher.receive("gone");
    stage.run(200 * second_ms);
    watcher.expect_nothing();
    return will;
  }

  void expect_no_will() {
    stage.run(200 * second_ms);
    watcher.expect_nothing();
  }

  Stage stage;
  Remote watcher;
  Remote client;
};

}  // namespace

TEST_CASE("takeover: a will's delay that runs goes on, and does not begin anew") {
  COVERS("MQTT5-3.1.3-9", "T-07");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Watched watched(standby, mortal(60));
    watched.client.cut();
    const std::int64_t cut_ms = watched.stage.now_ms();
    watched.stage.run(20 * second_ms);
    watched.take_over();
    CHECK_FALSE(watched.expect_will_at(cut_ms + 60 * second_ms).properties.has(prop::will_delay));
  }
}

TEST_CASE("takeover: a client that returns within its will's delay has cancelled it") {
  COVERS("MQTT5-3.1.3-9", "T-02");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Watched watched(standby, mortal(60));
    watched.client.cut();
    watched.stage.run(10 * second_ms);
    watched.take_over();
    watched.client.options().keepalive_s = 0;
    CHECK(watched.client.connect().session_present);
    watched.expect_no_will();
  }
}

TEST_CASE("takeover: a clean start within a will's delay publishes it: the session has ended") {
  COVERS("T-02", "U-25");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Watched watched(standby, mortal(60));
    watched.client.cut();
    watched.take_over();
    watched.client.options().clean = true;
    watched.client.options().keepalive_s = 0;
    CHECK_FALSE(watched.client.connect().session_present);
    watched.watcher.receive("gone");
    watched.expect_no_will();
  }
}

TEST_CASE("takeover: a will's delay beyond the session's expiry ends with the session") {
  COVERS("T-01", "U-26");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Connect connect = mortal(100);
    connect.session_expiry_s = 40;
    Watched watched(standby, connect);
    watched.client.cut();
    const std::int64_t cut_ms = watched.stage.now_ms();
    watched.take_over();
    watched.expect_will_at(cut_ms + 40 * second_ms);
  }
}

TEST_CASE("takeover: a client that was connected has 1.5 keep-alives or its will's delay to come back") {
  COVERS("MQTT5-3.1.2-8", "MQTT5-3.1.3-9");
  struct Case {
    std::uint32_t delay_s;
    std::uint16_t keepalive_s;
    int after_s;  // the takeover
  };
  for (const Case& one : {Case{0, 40, 60}, Case{10, 40, 60}, Case{100, 40, 100}, Case{0, 0, 60}}) {
    for (Standby standby : all_standbys) {
      CAPTURE(one.delay_s);
      CAPTURE(one.keepalive_s);
      CAPTURE(name_of(standby));
      Watched watched(standby, mortal(one.delay_s, one.keepalive_s));
      watched.take_over();
      watched.expect_will_at(watched.stage.now_ms() + one.after_s * second_ms);
    }
  }
}

TEST_CASE("takeover: a client that was connected and comes back has no will published; its new will is armed") {
  COVERS("MQTT5-3.1.2-8");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Watched watched(standby, mortal(0));
    watched.take_over();
    watched.client.options().keepalive_s = 0;
    CHECK(watched.client.connect().session_present);
    watched.expect_no_will();
    watched.client.cut();
    watched.watcher.receive("gone");
    watched.expect_no_will();
  }
}

TEST_CASE("takeover: a client that said DISCONNECT has no will, also if nobody knew it for long") {
  COVERS("MQTT5-3.14.4-3", "MQTT311-3.1.2-10");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Watched watched(standby, mortal(30));
    watched.client.disconnect();
    watched.take_over();
    watched.expect_no_will();
  }
}

TEST_CASE("takeover: a will that fires at the other box is whole: QoS, properties in order, retained") {
  COVERS("MQTT5-3.1.2-15", "MQTT5-3.1.3-10");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Connect connect = mortal(30);
    connect.will->qos = 2;
    connect.will->retain = true;
    connect.will->properties.text(prop::content_type, "text/plain")
        .text(prop::response_topic, "answers")
        .user("b", "1")
        .user("a", "2");
    Watched watched(standby, connect);
    watched.client.cut();
    const std::int64_t cut_ms = watched.stage.now_ms();
    watched.take_over();
    const Packet live = watched.expect_will_at(cut_ms + 30 * second_ms);
    CHECK_FALSE(live.retain());
    Remote newcomer(watched.stage, durable("new"));
    newcomer.connect();
    newcomer.subscribe({{"will", 2}});
    const Packet kept = newcomer.receive("gone");
    CHECK(kept.retain());
    for (const Packet& will : {live, kept}) {
      CHECK(will.qos() == 2);
      CHECK(will.properties.text(prop::content_type) == "text/plain");
      CHECK(will.properties.text(prop::response_topic) == "answers");
      CHECK(will.properties.users() == connect.will->properties.users());
    }
  }
}
