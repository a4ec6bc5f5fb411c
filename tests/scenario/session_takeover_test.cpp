// Which sessions there are after a takeover, and for how long.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/scenario/stage.hpp"

using namespace tandem::test;

namespace {

Connect expiring(const std::string& id, std::uint32_t expiry_s) {
  Connect connect = durable(id);
  connect.session_expiry_s = expiry_s;
  return connect;
}

}  // namespace

TEST_CASE("takeover: the expiry of a session whose client is away goes on, and does not begin anew") {
  COVERS("MQTT5-3.1.2-23");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote early(stage, expiring("early", 60));
    Remote late(stage, expiring("late", 60));
    early.connect();
    late.connect();
    early.cut();
    late.cut();
    const std::int64_t away_ms = stage.now_ms();
    stage.run(20 * second_ms);
    stage.take_over();
    stage.run_until(away_ms + 58 * second_ms);
    CHECK(early.connect().session_present);
    stage.run_until(away_ms + 62 * second_ms);
    CHECK_FALSE(late.connect().session_present);
  }
}

TEST_CASE("takeover: the expiry of a session whose client was connected begins with the takeover") {
  COVERS("MQTT5-3.1.2-23");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote early(stage, expiring("early", 30));
    Remote late(stage, expiring("late", 30));
    early.connect();
    late.connect();
    stage.run(100 * second_ms);
    stage.take_over();
    const std::int64_t takeover_ms = stage.now_ms();
    stage.run_until(takeover_ms + 28 * second_ms);
    CHECK(early.connect().session_present);
    stage.run_until(takeover_ms + 32 * second_ms);
    CHECK_FALSE(late.connect().session_present);
  }
}

TEST_CASE("takeover: the expiry that a client gave with its DISCONNECT holds") {
  COVERS("U-09", "T-30");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote longer(stage, expiring("longer", 10));
    Remote shorter(stage, expiring("shorter", 10'000));
    Remote ended(stage, expiring("ended", 10'000));
    const auto leave = [](Remote& client, std::uint32_t expiry_s) {
      client.connect();
      client.disconnect(0, Properties().number(prop::session_expiry, expiry_s));
    };
    leave(longer, 300);
    leave(shorter, 60);
    leave(ended, 0);
    stage.take_over();
    CHECK_FALSE(ended.connect().session_present);
    stage.run(100 * second_ms);
    CHECK(longer.connect().session_present);
    CHECK_FALSE(shorter.connect().session_present);
  }
}

TEST_CASE("takeover: session present is the truth, whatever the session was") {
  COVERS("MQTT5-3.2.2-2", "MQTT5-3.2.2-3", "MQTT5-3.1.2-4", "MQTT5-3.1.2-5", "T-04");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    const auto lasting = [&](const std::string& id, Connect connect, bool lasts) {
      CAPTURE(id);
      connect.client_id = id;
      Remote client(stage, connect);
      CHECK_FALSE(client.connect().session_present);
      return std::pair<Connect, bool>(connect, lasts);
    };
    Connect clean3 = durable("", 4);
    clean3.clean = true;
    Connect clean5 = durable("");
    clean5.clean = true;  // Clean Start: a session that lasts nevertheless
    std::vector<std::pair<Connect, bool>> sessions = {
        lasting("lasting 3.1.1", durable("", 4), true), lasting("clean 3.1.1", clean3, false),
        lasting("lasting 5", durable(""), true), lasting("clean start 5", clean5, true),
        lasting("expiry 0", expiring("", 0), false)};
    Remote connected(stage, expiring("connected, expiry 0", 0));
    connected.connect();
    stage.take_over();
    for (auto& [connect, lasts] : sessions) {
      CAPTURE(connect.client_id);
      connect.clean = false;
      Remote client(stage, connect);
      CHECK(client.connect().session_present == lasts);
    }
    CHECK_FALSE(connected.connect().session_present);
    Remote stranger(stage, durable("never seen"));
    CHECK_FALSE(stranger.connect().session_present);
  }
}

TEST_CASE("takeover: a clean start ends the session of before, with its queue and its subscriptions") {
  COVERS("MQTT5-3.1.2-4", "MQTT311-3.1.2-6");
  for (Standby standby : all_standbys) {
    for (std::uint8_t version : {std::uint8_t{4}, std::uint8_t{5}}) {
      CAPTURE(name_of(standby));
      CAPTURE(version);
      Stage stage(standby);
      Remote client(stage, durable("client", version));
      client.connect();
      client.subscribe({{"t", 1}});
      client.cut();
      Remote publisher(stage, durable("pub"));
      publisher.connect();
      publisher.publish(message("t", "queued", 1));
      stage.take_over();
      client.options().clean = true;
      CHECK_FALSE(client.connect().session_present);
      publisher.connect();
      publisher.publish(message("t", "to nobody", 1));
      client.expect_nothing();
    }
  }
}

TEST_CASE("takeover: the session of an assigned client id is there under that id") {
  COVERS("MQTT5-3.2.2-16");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Connect nameless = durable("");
    nameless.clean = true;
    Remote client(stage, nameless);
    const std::optional<std::string> assigned = client.connect().properties.text(prop::assigned_client_id);
    REQUIRE(assigned.has_value());
    client.subscribe({{"t", 1}});
    stage.take_over();
    client.options().client_id = *assigned;
    client.options().clean = false;
    CHECK(client.connect().session_present);
    Remote other(stage, nameless);
    CHECK(other.connect().properties.text(prop::assigned_client_id) != assigned);
    other.publish(message("t", "hello", 1));
    client.receive("hello");
  }
}
