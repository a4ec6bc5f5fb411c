// Bytes that are no MQTT end their own connection, and nothing else; neither they nor odd MQTT grow the broker.
// TANDEM_RANDOM_S: seconds of random bytes (3); TANDEM_RANDOM_SEED: other bytes.
#include <doctest/doctest.h>

#include <random>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

struct Bad {
  const char* what;
  std::string bytes;
};

std::string one(char byte) {
  return std::string(1, byte);
}

// For each packet type of table 2-1 at least one that no client may send.
std::vector<Bad> bad_packets(uint8_t version) {
  std::string zero = one('\0');
  std::vector<Bad> out = {
      {"type 0", frame(static_cast<Type>(0), 0, "")},
      {"CONNECT, again and cut short", frame(Type::connect, 0, text("MQTT"))},
      {"CONNACK from a client", frame(Type::connack, 0, zero + zero)},
      {"PUBLISH with QoS 3", frame(Type::publish, 6, text("a") + u16(1) + zero)},
      {"PUBACK cut short", frame(Type::puback, 0, zero)},
      {"PUBACK with flags", frame(Type::puback, 2, u16(1))},
      {"PUBREC with packet id 0", frame(Type::pubrec, 0, u16(0))},
      {"PUBREL without its flags", frame(Type::pubrel, 0, u16(1))},
      {"PUBCOMP cut short", frame(Type::pubcomp, 0, "")},
      {"SUBSCRIBE without its flags", frame(Type::subscribe, 0, u16(1) + zero + text("a") + zero)},
      {"SUBACK from a client", frame(Type::suback, 0, u16(1) + zero)},
      {"UNSUBSCRIBE without its flags", frame(Type::unsubscribe, 0, u16(1) + zero + text("a"))},
      {"UNSUBACK from a client", frame(Type::unsuback, 0, u16(1))},
      {"PINGREQ with a body", frame(Type::pingreq, 0, "x")},
      {"PINGRESP from a client", frame(Type::pingresp, 0, "")},
      {"DISCONNECT with flags", frame(Type::disconnect, 1, "")},
      {"AUTH without a method", frame(Type::auth, 0, version == 5 ? "\x18" + zero : "")},
      {"remaining length of five bytes", std::string("\x30\xFF\xFF\xFF\xFF\x01", 6)},
  };
  if (version == 5) {
    out.push_back({"unknown property", frame(Type::publish, 0, text("a") + "\x02\x7F" + zero)});
    out.push_back({"property twice", frame(Type::publish, 0, text("a") + "\x04\x01\x01\x01\x01")});
    out.push_back({"properties longer than the packet", frame(Type::publish, 0, text("a") + "\x7F")});
    out.push_back({"unknown reason code", frame(Type::disconnect, 0, "\x7E")});
  }
  return out;
}

// AddressSanitizer keeps freed memory for a while.
uint64_t allowed_growth_kib() {
  return (time_factor() > 1 ? 512 : 64) * 1'024;
}

class Nonsense {
 public:
  explicit Nonsense(unsigned seed) : random_(seed) {}

  // Bytes for a fresh connection: pure noise, or a good CONNECT and then good packets with some bytes
  // changed.
  std::string bytes() {
    std::string out;
    if (pick(0, 3) == 0) {
      append_noise(out);
      return out;
    }
    uint8_t version = static_cast<uint8_t>(pick(3, 5));
    Connect connect;
    connect.version = version;
    connect.client_id = "noise" + std::to_string(pick(0, 3));
    out = encode_connect(connect);
    for (int i = pick(1, 20); i > 0; --i) append_packet(out, version);
    if (pick(0, 4) == 0) append_noise(out);
    return out;
  }

 private:
  int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  void append_noise(std::string& out) {
    for (int i = pick(1, 3'000); i > 0; --i) out += static_cast<char>(pick(0, 255));
  }

  void append_packet(std::string& out, uint8_t version) {
    std::string packet = good_packet(version);
    if (pick(0, 2) == 0) {
      for (int i = pick(1, 3); i > 0; --i) {
        packet[static_cast<size_t>(pick(0, static_cast<int>(packet.size()) - 1))] = static_cast<char>(pick(0, 255));
      }
    }
    if (pick(0, 9) == 0) packet.resize(static_cast<size_t>(pick(1, static_cast<int>(packet.size()))));
    out += packet;
  }

  std::string good_packet(uint8_t version) {
    Publish publish;
    auto pid = static_cast<uint16_t>(pick(1, 5));
    switch (pick(0, 7)) {
      case 0:
        return encode_subscribe(pid, {{pick(0, 1) == 0 ? "noise/#" : "$share/g/noise/+", 1}}, version);
      case 1:
        return encode_unsubscribe(pid, {"noise/#"}, version);
      case 2:
        return encode_ack(static_cast<Type>(pick(4, 7)), pid, version);
      case 3:
        return encode_pingreq();
      default:
        publish.topic = "noise/" + std::to_string(pick(0, 20));
        publish.payload = std::string(static_cast<size_t>(pick(0, 200)), 'n');
        publish.qos = static_cast<uint8_t>(pick(0, 2));
        publish.pid = pid;
        publish.retain = pick(0, 5) == 0;
        return encode_publish(publish, version);
    }
  }

  std::mt19937 random_;
};

// Sends and looks at nothing. The broker may close in the middle.
void throw_at(const Node& node, const std::string& bytes, bool reset) {
  Client client = client_of(node, 4, "thrower");
  try {
    client.open();
    client.send(bytes);
    client.send(encode_pingreq());
    client.try_read(Millis(1));
  } catch (const ClientError&) {
  }
  if (reset) client.abort();
}

}  // namespace

TEST_CASE("MQTT5-4.13.1-1, MQTT311-4.8.0-1: a malformed packet of every type ends its own connection only") {
  COVERS("U-38", "MQTT5-3.14.1-1", "MQTT5-3.14.2-1");
  Client subscriber = connected(4);
  Client publisher = connected(5);
  std::string topic = unique("bystander/");
  subscriber.subscribe(topic, 1);
  for (uint8_t version : {uint8_t{3}, uint8_t{4}, uint8_t{5}}) {
    for (const Bad& bad : bad_packets(version)) {
      CAPTURE(version);
      CAPTURE(bad.what);
      Client client = connected(version);
      client.send(bad.bytes);
      uint8_t reason = closed_with(client);
      CHECK((version == 5 ? reason >= 0x80 : reason == 0));
      CHECK(publisher.publish(topic, bad.what, 1) == 0);
      CHECK(subscriber.receive().payload == bad.what);
    }
  }
}

TEST_CASE("random bytes do not crash the broker and do not grow it") {
  Node& node = broker();
  Nonsense nonsense(static_cast<unsigned>(rounds_of("TANDEM_RANDOM_SEED", 1)));
  Client subscriber = connected(4);
  Client publisher = connected(5);
  std::string topic = unique("bystander/");
  subscriber.subscribe(topic, 1);
  auto throw_for = [&](Millis time) {
    SteadyTime end = std::chrono::steady_clock::now() + time;
    for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
      throw_at(node, nonsense.bytes(), i % 2 == 0);
      if (i % 20 != 0) continue;
      CHECK(publisher.publish(topic, std::to_string(i), 1) == 0);
      CHECK(subscriber.receive().payload == std::to_string(i));
    }
  };
  throw_for(Millis(1'000));  // until every buffer has been made
  uint64_t before = resident_kib(node);
  throw_for(Millis(1'000 * rounds_of("TANDEM_RANDOM_S", 3)));
  REQUIRE(node.process().running());
  uint64_t after = resident_kib(node);
  MESSAGE("resident: " << before << " KiB, then " << after << " KiB");
  CHECK(before > 0);
  CHECK(after < before + allowed_growth_kib());
  check_serves(node);
}

// What was looked up for a topic may be kept, but not for ever more topics.
TEST_CASE("MQTT5-4.7.3: thousands of very long topics do not grow the broker") {
  Node& node = broker();
  Client subscriber = connected(4);
  subscriber.subscribe("long/#", 0);
  Client publisher = connected(4);
  std::string tail(60'000, 't');
  uint64_t before = resident_kib(node);
  for (int i = 0; i < 5'000; ++i) {
    publisher.publish("long/" + std::to_string(i) + tail, "", 0);
    if (i % 10 == 9) publisher.ping();
    if (i % 500 == 499) subscriber.ping();  // keep-alive: with a sanitizer all of this takes a minute
    while (subscriber.try_read(Millis(0))) continue;
  }
  uint64_t after = resident_kib(node);
  MESSAGE("resident: " << before << " KiB, then " << after << " KiB");
  CHECK(after < before + allowed_growth_kib());
  check_serves(node);
}
