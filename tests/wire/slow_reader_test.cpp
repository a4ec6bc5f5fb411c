// Clients that read late.
#include <doctest/doctest.h>

#include "tests/wire/broker.hpp"

using namespace tandem::test;

// One copy for each would be 800 MB. Some MB are what sockets and the edge hold; AddressSanitizer keeps freed memory.
TEST_CASE("messages for clients that do not read are kept once for all of them; each gets all when it reads") {
  constexpr int subscribers = 20;
  constexpr int messages = 40;
  const std::string topic = unique("large");
  Node& node = broker();
  std::vector<Client> slow;
  for (int i = 0; i < subscribers; ++i) {
    slow.push_back(connected(i % 2 == 0 ? 4 : 5));
    slow.back().subscribe(topic, 1);
  }
  Client publisher = connected(5);
  std::string payload(1'000'000, 'x');
  const uint64_t before = resident_kib(node);
  for (int i = 0; i < messages; ++i) {
    payload[0] = static_cast<char>('0' + i);
    CHECK(publisher.publish(topic, payload, 1) == 0);
  }
  const uint64_t after = resident_kib(node);
  MESSAGE("resident: " << before << " KiB, then " << after << " KiB");
  CHECK(after < before + (time_factor() > 1 ? 700 : 200) * 1'024);
  for (Client& client : slow) {
    for (int i = 0; i < messages; ++i) {
      const Packet got = client.receive();
      CHECK(got.payload.size() == payload.size());
      CHECK(got.payload[0] == static_cast<char>('0' + i));
    }
  }
}

TEST_CASE(
    "MQTT5-3.3.1-9: who subscribes at QoS 0 gets all retained messages, also if they are more than fit a socket") {
  constexpr int retained = 60;
  const std::string prefix = unique("state");
  Client publisher = connected(5);
  const std::string payload(200'000, 'x');
  for (int i = 0; i < retained; ++i) publisher.publish(prefix + "/" + std::to_string(i), payload, 1, true);
  Client late = connected(4);
  late.subscribe(prefix + "/#", 0);
  for (int i = 0; i < retained; ++i) REQUIRE(late.receive().payload.size() == payload.size());
  late.ping();
  for (int i = 0; i < retained; ++i) publisher.publish(prefix + "/" + std::to_string(i), "", 1, true);
}
