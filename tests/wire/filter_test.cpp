// Filters and topics: their form, making a subscription again, and what is kept for later subscribers.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

const std::string zero(1, '\0');

std::string properties_of(uint8_t version) {
  return version == 5 ? zero : "";
}

// The connection ends, in MQTT 5 with that reason.
void check_ended(uint8_t version, const std::string& bytes, uint8_t reason) {
  Client client = connected(version);
  client.send(bytes);
  CHECK(closed_with(client) == (version == 5 ? reason : 0));
}

}  // namespace

TEST_CASE("MQTT5-3.8.3-1, MQTT5-3.10.3-1, MQTT5-4.7.3-2: a filter that is no UTF-8 ends the connection") {
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    for (const std::string& bad : {std::string("\xFF"), std::string("\xED\xA0\x80"), std::string("a\0b", 3)}) {
      CAPTURE(version);
      CAPTURE(bad);
      std::string head = u16(1) + properties_of(version);
      check_ended(version, frame(Type::subscribe, 2, head + text("ok") + zero + text(bad) + zero), 0x81);
      check_ended(version, frame(Type::unsubscribe, 2, head + text("ok") + text(bad)), 0x81);
    }
  }
}

TEST_CASE("MQTT5-4.7.3-1: an empty filter is refused") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    CHECK(client.subscribe({{"", 1}, {"/", 1}}) == std::vector<uint8_t>{uint8_t(version == 5 ? 0x8F : 0x80), 1});
  }
}

TEST_CASE("MQTT5-4.7.3-3: topics and filters may have 65,535 bytes") {
  std::string topic = unique("longest/");
  topic.resize(65'535, 'l');
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    CHECK(client.subscribe(topic, 1) == 1);
    Client publisher = connected(version);
    CHECK(publisher.publish(topic, "long", 1) == 0);
    CHECK(client.receive().topic == topic);
  }
}

TEST_CASE("U-14, T-46, MQTT5-3.8.3-5, MQTT311-3.8.3-4: options that do not exist end the connection") {
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    for (unsigned options = 0; options < 256; ++options) {
      bool reserved = (options & (version == 5 ? 0xC0U : 0xFCU)) != 0;
      bool unknown = (options & 3U) == 3 || (version == 5 && (options & 0x30U) == 0x30U);
      if (!reserved && !unknown) continue;
      CAPTURE(version);
      CAPTURE(options);
      std::string bytes = u16(1) + properties_of(version) + text("a") + static_cast<char>(options);
      check_ended(version, frame(Type::subscribe, 2, bytes), reserved ? 0x81 : 0x82);
    }
  }
}

TEST_CASE("U-13, T-46: a subscription identifier is 1 to 268,435,455, in as few bytes as it needs") {
  Client client = connected(5);
  std::string topic = unique("identifiers/");
  Client publisher = connected(4);
  for (uint32_t id : {1U, 127U, 128U, 16'384U, 2'097'152U, 268'435'455U}) {
    CAPTURE(id);
    CHECK(client.subscribe({{topic, 1}}, Properties().number(prop::subscription_id, id)) == std::vector<uint8_t>{1});
    publisher.publish(topic, "x", 1);
    CHECK(client.receive().properties.number(prop::subscription_id) == id);
  }
  std::string rest = text("a") + zero;
  auto with = [&](const std::string& properties) {
    return frame(Type::subscribe, 2, u16(1) + varint(static_cast<uint32_t>(properties.size())) + properties + rest);
  };
  check_ended(5, with(std::string("\x0B\x00", 2)), 0x82);
  check_ended(5, with(std::string("\x0B\x81\x00", 3)), 0x81);
  check_ended(5, with("\x0B\xFF\xFF\xFF\xFF\x01"), 0x81);
  check_ended(5, with("\x0B\x01\x0B\x02"), 0x82);
  check_ended(5, std::string("\xC0\x80\x00", 3), 0x81);  // a remaining length of 0 in two bytes
}

TEST_CASE("a subscription that is made again brings its retained message each time, and loses no live one") {
  COVERS("MQTT5-3.8.4-4", "MQTT311-3.8.4-3", "MQTT311-3.3.1-6");
  constexpr int count = 300;
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("again/");
    Client publisher = connected(4);
    publisher.publish(topic, "kept", 1, true);
    Client client = connected(version);
    client.subscribe(topic, 1);
    int kept = 0;
    int live = 0;
    auto take = [&](const Packet& message) {
      if (message.retain()) {
        CHECK(message.payload == "kept");
        ++kept;
      } else {
        CHECK(message.payload == std::to_string(live));
        ++live;
      }
    };
    for (int i = 0; i < count; ++i) {
      publisher.send_publish(message_to(topic, std::to_string(i), 1));
      if (i % 10 == 0) client.subscribe(topic, 1);
    }
    while (live < count || kept < 1 + count / 10) take(client.receive());
    CHECK(kept == 1 + count / 10);
    client.expect_quiet_until_pingresp();
  }
}

TEST_CASE("MQTT311-3.1.2-7: retained messages outlive the session of their publisher") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("outlives/");
    Client publisher = connected_durable(version, unique("outlives"));
    publisher.publish(topic, "kept", 1, true);
    publisher.disconnect();
    publisher.options().connect.clean = true;
    publisher.connect();
    publisher.disconnect();
    Client later = connected(version);
    later.subscribe(topic, 1);
    CHECK(later.receive().payload == "kept");
  }
}

TEST_CASE("MQTT311-3.3.1-7: a retained message of QoS 0 replaces one of a higher QoS, and an empty one removes it") {
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    std::string topic = unique("replaced/");
    Client publisher = connected(version);
    publisher.publish(topic, "old", 2, true);
    publisher.publish(topic, "new", 0, true);
    publisher.ping();
    Client later = connected(version);
    later.subscribe(topic, 2);
    Packet message = later.receive();
    CHECK(message.payload == "new");
    CHECK(message.qos() == 0);
    publisher.publish(topic, "", 0, true);
    CHECK(later.receive().payload.empty());
    later.subscribe(topic, 2);
    later.expect_quiet_until_pingresp();
  }
}
