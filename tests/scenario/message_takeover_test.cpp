// What a message is after a takeover: its expiry, its properties, its topic without aliases; and retained messages.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/scenario/stage.hpp"

using namespace tandem::test;

namespace {

Publish expiring(const std::string& topic, const std::string& payload, std::uint32_t expiry_s, bool retain = false) {
  Publish publish = message(topic, payload, 1);
  publish.retain = retain;
  publish.properties.number(prop::message_expiry, expiry_s);
  return publish;
}

// Whole seconds since that moment have been taken off.
void check_counted_down(const Packet& packet, std::uint32_t from_s, std::int64_t passed_ms) {
  const std::optional<std::uint32_t> left_s = packet.properties.number(prop::message_expiry);
  REQUIRE(left_s.has_value());
  const auto off_s = static_cast<std::int64_t>(from_s - *left_s);
  CAPTURE(passed_ms);
  CHECK(off_s * second_ms <= passed_ms);
  CHECK((off_s + 1) * second_ms >= passed_ms - 50);  // log time may be a few beats behind
}

}  // namespace

TEST_CASE("takeover: the expiry of a message goes on counting down, and what is over is gone") {
  COVERS("MQTT5-3.3.2-5", "MQTT5-3.3.2-6", "T-17");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.connect();
    subscriber.subscribe({{"t/#", 1}});
    subscriber.cut();
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    const std::int64_t sent_ms = stage.now_ms();
    publisher.publish(expiring("t/short", "over", 50));
    publisher.publish(expiring("t/long", "still good", 100));
    publisher.publish(expiring("t/kept/short", "over", 50, true));
    publisher.publish(expiring("t/kept/long", "kept", 100, true));
    stage.run_until(sent_ms + 20 * second_ms);
    stage.take_over();
    stage.run_until(sent_ms + 55 * second_ms);
    subscriber.connect();
    const std::int64_t passed_ms = stage.now_ms() - sent_ms;
    check_counted_down(subscriber.receive("still good"), 100, passed_ms);
    check_counted_down(subscriber.receive("kept"), 100, passed_ms);
    subscriber.expect_nothing();
    Remote newcomer(stage, durable("new"));
    newcomer.connect();
    newcomer.subscribe({{"t/kept/#", 1}});
    check_counted_down(newcomer.receive("kept"), 100, stage.now_ms() - sent_ms);
    newcomer.expect_nothing();
  }
}

TEST_CASE("takeover: a QoS 2 message that a client has begun to get is completed although it has expired") {
  COVERS("MQTT5-4.3.3-7", "T-18");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.connect();
    subscriber.subscribe({{"t", 2}});
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    Publish publish = expiring("t", "short", 30);
    publish.qos = 2;
    publisher.publish(publish);
    const Packet begun = subscriber.expect_publish("short");
    subscriber.send_ack(Type::pubrec, begun.pid);
    subscriber.expect(Type::pubrel, begun.pid);
    stage.take_over();
    stage.run(60 * second_ms);
    subscriber.connect();
    CHECK(subscriber.expect(Type::pubrel, begun.pid).code() == 0);
    subscriber.send_ack(Type::pubcomp, begun.pid);
    subscriber.expect_nothing();
  }
}

TEST_CASE("takeover: the properties of a message that waits are whole and in order") {
  COVERS("MQTT5-3.3.2-4", "MQTT5-3.3.2-15", "MQTT5-3.3.2-16", "MQTT5-3.3.2-17", "MQTT5-3.3.2-18", "MQTT5-3.3.2-20");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.connect();
    subscriber.subscribe({{"t", 1}});
    subscriber.cut();
    Publish request = message("t", "request", 1);
    request.retain = true;
    request.properties.number(prop::payload_format, 1)
        .text(prop::content_type, "text/plain")
        .text(prop::response_topic, "answers/7")
        .text(prop::correlation_data, std::string("\0\xff 7", 4))
        .user("b", "1")
        .user("a", "2")
        .user("b", "1");
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    publisher.publish(request);
    stage.take_over();
    subscriber.connect();
    Remote newcomer(stage, durable("new"));
    newcomer.connect();
    newcomer.subscribe({{"t", 1}});  // the retained copy
    for (const Packet& got : {subscriber.receive("request"), newcomer.receive("request")}) {
      CHECK(got.properties.number(prop::payload_format) == 1);
      CHECK(got.properties.text(prop::content_type) == "text/plain");
      CHECK(got.properties.text(prop::response_topic) == "answers/7");
      CHECK(got.properties.text(prop::correlation_data) == std::string("\0\xff 7", 4));
      CHECK(got.properties.users() == request.properties.users());
    }
  }
}

TEST_CASE("takeover: retained messages are those of before: set, replaced, deleted") {
  COVERS("MQTT5-3.3.1-5", "MQTT5-3.3.1-6", "U-16", "U-39");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    const auto retain = [&](const std::string& topic, const std::string& payload, std::uint8_t qos) {
      Publish publish = message(topic, payload, qos);
      publish.retain = true;
      publisher.publish(publish);
    };
    retain("set", "by QoS 2", 2);
    retain("replaced", "old", 1);
    retain("replaced", "new", 1);
    retain("deleted", "gone", 1);
    retain("deleted", "", 1);
    stage.take_over();
    Remote newcomer(stage, durable("new"));
    newcomer.connect();
    const auto retained = [&](const std::string& topic, const std::string& payload, std::uint8_t qos) {
      newcomer.subscribe({{topic, 2}});
      const Packet got = newcomer.receive(payload);
      CHECK(got.retain());
      CHECK(got.qos() == qos);
    };
    retained("set", "by QoS 2", 2);
    retained("replaced", "new", 1);
    newcomer.subscribe({{"deleted", 2}});
    newcomer.expect_nothing();
    publisher.connect();
    retain("set", "", 1);
    newcomer.receive("");  // to a subscriber that is there
    newcomer.subscribe({{"set", 2}});
    newcomer.expect_nothing();
  }
}

TEST_CASE("takeover: topic aliases of a client end with its connection") {
  COVERS("MQTT5-3.3.2-7", "T-37", "U-10");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.connect();
    subscriber.subscribe({{"long/topic", 1}});
    subscriber.cut();
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    Publish told = message("long/topic", "first", 1);
    told.properties.number(prop::topic_alias, 1);
    publisher.publish(told);
    Publish by_alias = message("", "second", 1);
    by_alias.properties.number(prop::topic_alias, 1);
    publisher.publish(by_alias);
    stage.take_over();
    publisher.connect();
    Publish unknown = message("", "third", 1, 9);
    unknown.properties.number(prop::topic_alias, 1);
    publisher.send_publish(unknown);
    CHECK(publisher.expect(Type::disconnect).code() == 0x82);
    publisher.expect_closed();
    subscriber.connect();
    for (const char* payload : {"first", "second"}) {  // those that came by alias wait with their topic
      const Packet got = subscriber.receive(payload);
      CHECK(got.topic == "long/topic");
      CHECK_FALSE(got.properties.has(prop::topic_alias));
    }
    subscriber.expect_nothing();
  }
}

TEST_CASE("takeover: topic aliases of the broker end with the connection: the first message has its topic") {
  COVERS("MQTT5-3.3.2-7", "T-37");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.options().properties.number(prop::topic_alias_maximum, 5);
    subscriber.connect();
    const std::string topic = "a/topic/that/is/long/enough/for/an/alias";
    subscriber.subscribe({{topic, 1}});
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    int by_alias = 0;
    for (int i = 0; i < 3; ++i) {
      publisher.publish(message(topic, "before", 1));
      by_alias += subscriber.expect_publish("before").topic.empty() ? 1 : 0;  // not acknowledged: comes again
    }
    CHECK(by_alias > 0);
    stage.take_over();
    subscriber.connect();
    const Packet again = subscriber.receive("before");
    CHECK(again.topic == topic);
    CHECK(again.dup());
    for (int i = 0; i < 2; ++i) {
      const Packet more = subscriber.receive("before");
      CHECK((more.topic == topic || (more.topic.empty() && again.properties.has(prop::topic_alias))));
    }
    subscriber.expect_nothing();
  }
}
