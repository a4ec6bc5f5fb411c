// Wills: when they are published and when they are not.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

Will will_to(const std::string& topic, uint8_t qos = 1) {
  Will will;
  will.topic = topic;
  will.payload = "gone";
  will.qos = qos;
  return will;
}

Client with_will(uint8_t version, const Will& will, const std::string& id = unique("mortal")) {
  Client client = client_of(broker(), version, id);
  client.options().connect.will = will;
  return client;
}

struct Watcher {
  explicit Watcher(const std::string& filter) { client.subscribe(filter, 2); }
  Client client = connected(5);
};

}  // namespace

TEST_CASE("MQTT5-3.1.2-8, MQTT311-3.1.2-8: a connection that is lost publishes its will") {
  COVERS("MQTT5-3.1.2-7");
  for (uint8_t version : all_versions) {
    for (bool reset : {true, false}) {
      CAPTURE(version);
      CAPTURE(reset);
      std::string topic = unique("will/");
      Watcher watcher(topic);
      Client client = with_will(version, will_to(topic, 2));
      client.connect();
      if (reset) {
        client.abort();
      } else {
        client.close();
      }
      Packet will = watcher.client.receive();
      CHECK(will.payload == "gone");
      CHECK(will.qos() == 2);
      CHECK(!will.retain());
    }
  }
}

TEST_CASE("MQTT5-3.14.4-3, MQTT311-3.1.2-10: DISCONNECT deletes the will, with 0x04 it publishes it") {
  COVERS("T-31");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("will/");
    Watcher watcher(topic);
    Client client = with_will(version, will_to(topic));
    client.connect();
    client.send(encode_disconnect(version));
    client.expect_closed();  // the broker has taken the DISCONNECT
    watcher.client.expect_quiet_until_pingresp();
  }
  std::string topic = unique("will/");
  Watcher watcher(topic);
  Client client = with_will(5, will_to(topic));
  client.connect();
  client.disconnect(0x04);
  CHECK(watcher.client.receive().payload == "gone");
}

TEST_CASE("MQTT5-3.1.2-22: silence beyond keep alive publishes the will") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("will/");
    Watcher watcher(topic);
    Client client = with_will(version, will_to(topic));
    client.options().connect.keepalive_s = 1;
    client.connect();
    CHECK(watcher.client.receive().payload == "gone");
  }
}

TEST_CASE("MQTT5-4.13.1: a connection that ends for an error publishes its will") {
  COVERS("T-31");
  std::string topic = unique("will/");
  Watcher watcher(topic);
  Client client = with_will(5, will_to(topic));
  client.connect();
  client.send(frame(Type::publish, 0x06, text("a") + u16(1)));
  CHECK(watcher.client.receive().payload == "gone");
}

TEST_CASE("MQTT5-3.1.2-14, -15, MQTT5-3.1.3.2: a will is retained if it says so and keeps its properties") {
  std::string topic = unique("will/");
  Will will = will_to(topic);
  will.retain = true;
  will.properties.text(prop::content_type, "text/plain").user("why", "power");
  Client client = with_will(5, will);
  client.connect();
  Watcher watcher(topic);
  client.abort();
  Packet live = watcher.client.receive();
  CHECK(live.properties.text(prop::content_type) == "text/plain");
  CHECK(live.properties.users().size() == 1);
  Client later = connected(5);
  later.subscribe(topic, 1);
  CHECK(later.receive().retain());
}

TEST_CASE("MQTT5-3.1.3-9: a will with a delay is published when the delay is over") {
  std::string topic = unique("will/");
  Watcher watcher(topic);
  Will will = will_to(topic);
  will.delay_s = 1;
  Client client = with_will(5, will);
  client.options().connect.session_expiry_s = 100;
  client.connect();
  SteadyTime lost_at = std::chrono::steady_clock::now();
  client.abort();
  CHECK(watcher.client.receive().payload == "gone");
  CHECK(std::chrono::steady_clock::now() - lost_at >= Millis(950));
}

TEST_CASE("MQTT5-3.1.3-9: a client that returns within the delay has no will published") {
  std::string topic = unique("will/");
  Watcher watcher(topic);
  Will will = will_to(topic + "/returning");
  will.delay_s = 1;
  Client client = with_will(5, will);
  client.options().connect.session_expiry_s = 100;
  client.options().connect.clean = false;
  will.topic = topic;
  Client control = with_will(5, will);
  control.options().connect.session_expiry_s = 100;
  watcher.client.subscribe(topic + "/returning", 1);
  client.connect();
  client.abort();
  client.options().connect.will.reset();
  CHECK(client.connect().session_present);
  control.connect();
  control.abort();
  CHECK(watcher.client.receive().topic == topic);  // the later one: the earlier one would have come first
  watcher.client.expect_quiet_until_pingresp();
}

TEST_CASE("MQTT5-3.1.3-9: a will waits no longer than its session lives") {
  std::string topic = unique("will/");
  Watcher watcher(topic);
  Will will = will_to(topic);
  will.delay_s = 600;
  Client client = with_will(5, will);  // the session ends with the connection
  client.connect();
  client.abort();
  CHECK(watcher.client.receive().payload == "gone");
  std::string id = unique("mortal");
  Client expiring = with_will(5, will, id);
  expiring.options().connect.session_expiry_s = 600;
  expiring.connect();
  expiring.abort();
  expiring.options().connect.will.reset();
  expiring.options().connect.clean = true;
  expiring.connect();  // ends the session (MQTT5-3.1.4-4)
  CHECK(watcher.client.receive().payload == "gone");
}

TEST_CASE("MQTT5-3.1.4-3: the connection that another one takes over publishes its will") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("will/");
    Watcher watcher(topic);
    std::string id = unique("twin");
    Client older = with_will(version, will_to(topic), id);
    older.connect();
    Client newer = client_of(broker(), version, id);
    newer.connect();
    older.expect_closed();
    CHECK(watcher.client.receive().payload == "gone");
  }
}

TEST_CASE("MQTT5-3.1.2-10: a will is published once; the next connection without a will has none") {
  COVERS("MQTT311-3.1.2-12");
  std::string topic = unique("will/");
  Watcher watcher(topic);
  Client client = with_will(4, will_to(topic));
  client.connect();
  client.abort();
  CHECK(watcher.client.receive().payload == "gone");
  client.options().connect.will.reset();
  client.connect();
  client.abort();
  Client marker = with_will(4, will_to(topic + "x"));
  watcher.client.subscribe(topic + "x", 1);
  marker.connect();
  marker.abort();
  CHECK(watcher.client.receive().topic == topic + "x");
  watcher.client.expect_quiet_until_pingresp();
}
