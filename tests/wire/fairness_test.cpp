// One client's work does not hold up the others.
#include <doctest/doctest.h>

#include "tests/wire/broker.hpp"

using namespace tandem::test;

TEST_CASE("a client whose messages match thousands of filters is read on turn by turn: others come in between") {
  constexpr int levels = 12;
  constexpr int messages = 1'000;
  const std::string prefix = unique("deep");
  Client subscriber = connected(5);
  std::string topic = prefix;
  for (int level = 0; level < levels; ++level) topic += "/a";
  std::vector<Filter> filters;
  for (unsigned number = 0; number < (1U << levels); ++number) {
    std::string filter = prefix;
    for (unsigned level = 0; level < levels; ++level) filter += (number >> level & 1U) != 0 ? "/+" : "/a";
    filters.push_back({filter, 0});
    if (filters.size() == 512) {
      subscriber.subscribe(filters);
      filters.clear();
    }
  }
  Client busy = connected(5);
  Client other = connected(5);
  other.ping();
  std::string flood;
  for (uint16_t pid = 1; pid <= messages; ++pid) {
    Publish publish = message_to(topic, "x", 1);
    publish.pid = pid;
    flood += encode_publish(publish, 5);
  }
  busy.send(flood);
  other.ping();  // four million filters are to be looked at; this is answered long before
  int answered = 0;
  while (busy.try_read(Millis(0))) ++answered;
  CHECK(answered < messages);
  while (answered < messages) {
    busy.expect(Type::puback, scaled(Millis(20'000)));
    ++answered;
  }
  subscriber.close();
}

TEST_CASE(
    "MQTT5-3.8.4-1: a SUBSCRIBE with many wildcards over many retained messages is answered whole; others come in "
    "between") {
  constexpr int retained = 300;
  constexpr int filters = 400;
  const std::string prefix = unique("kept");
  Client publisher = connected(5);
  for (int i = 0; i < retained; ++i) publisher.publish(prefix + "/" + std::to_string(i), "x", 1, true);
  Client busy = connected_durable(5, unique("busy"));
  Client other = connected(5);
  std::vector<Filter> wanted;
  for (int i = 0; i < filters; ++i) wanted.push_back({prefix + "/none/" + std::to_string(i) + "/+", 1});
  wanted[3].filter = "not/a#filter";
  wanted.push_back({prefix + "/+", 1});
  busy.send(encode_subscribe(7, wanted, 5) + encode_unsubscribe(8, {prefix + "/+"}, 5));
  other.ping();
  int arrived = 0;
  std::vector<uint8_t> codes;
  while (codes.empty() || arrived < retained) {
    const Packet packet = busy.read(scaled(Millis(20'000)));
    if (packet.type == Type::suback) {
      CHECK(packet.pid == 7);
      codes = packet.codes;
    } else {
      REQUIRE(packet.type == Type::publish);
      busy.send(encode_ack(Type::puback, packet.pid, 5));
      ++arrived;
    }
  }
  REQUIRE(codes.size() == filters + 1);
  for (int i = 0; i <= filters; ++i) CHECK(codes[static_cast<std::size_t>(i)] == (i == 3 ? 0x8F : 1));
  busy.expect(Type::unsuback);  // the next packet came after all filters
  busy.send(encode_disconnect(5));
  for (int i = 0; i < retained; ++i) publisher.publish(prefix + "/" + std::to_string(i), "", 1, true);
}

TEST_CASE("whoever leaves in the middle of such a SUBSCRIBE leaves nothing behind but what was done") {
  constexpr int retained = 300;
  const std::string prefix = unique("left");
  Client publisher = connected(5);
  for (int i = 0; i < retained; ++i) publisher.publish(prefix + "/" + std::to_string(i), "x", 1, true);
  std::vector<Filter> wanted;
  for (int i = 0; i < 1'000; ++i) wanted.push_back({prefix + "/none/" + std::to_string(i) + "/+", 1});
  const std::string id = unique("leaver");
  Client leaver = connected(5, id);
  leaver.send(encode_subscribe(7, wanted, 5));
  Client again = connected(5, id);  // takes the session over
  CHECK(again.subscribe(prefix + "/none/1/+", 1) == 1);
  again.ping();
  for (int i = 0; i < retained; ++i) publisher.publish(prefix + "/" + std::to_string(i), "", 1, true);
}
