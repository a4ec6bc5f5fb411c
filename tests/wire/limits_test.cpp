// Limits that a site may set: the keep-alive of MQTT 5 clients, and how fast clients may come and publish.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

Millis since(SteadyTime start) {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start);
}

uint64_t counter(const std::string& name) {
  std::string text = paced_broker().status()->text;
  size_t at = text.find("\"" + name + "\":");
  REQUIRE(at != std::string::npos);
  return std::stoull(text.substr(at + name.size() + 3));
}

}  // namespace

TEST_CASE(
    "MQTT5-3.2.2-21, MQTT5-3.1.2-21: a 5.0 client that asks for more than the longest keep-alive is told, and held to "
    "it") {
  Client told[] = {client_of(paced_broker(), 5), client_of(paced_broker(), 5)};
  told[0].options().connect.keepalive_s = 60;
  told[1].options().connect.keepalive_s = 0;
  Client old = client_of(paced_broker(), 4);  // cannot be told
  old.options().connect.keepalive_s = 60;
  old.connect();
  for (Client& client : told)
    CHECK(client.connect().properties.number(prop::server_keepalive) == paced::max_keep_alive_s);
  SteadyTime silent_from = std::chrono::steady_clock::now();
  for (Client& client : told) CHECK(closed_with(client) == 0x8D);
  CHECK(since(silent_from) >= Millis(1'450));
  CHECK(since(silent_from) < scaled(Millis(2'400)));
  old.ping();
  Client content = client_of(paced_broker(), 5);
  content.options().connect.keepalive_s = paced::max_keep_alive_s;
  CHECK(!content.connect().properties.has(prop::server_keepalive));
}

TEST_CASE(
    "limits.max_publishes_per_s: a client beyond it is read more slowly; nothing is lost, and nobody else waits") {
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    CAPTURE(version);
    std::string topic = unique("paced/");
    Client subscriber = client_of(paced_broker(), 4);
    subscriber.connect();
    subscriber.subscribe(topic, 0);
    Client publisher = client_of(paced_broker(), version);
    publisher.options().connect.keepalive_s = 1;  // while it is held back, its silence does not count
    publisher.connect();
    uint64_t paused_before = counter("publishers_paused");
    const int count = 3 * static_cast<int>(paced::max_publishes_per_s);  // the first third at once
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += encode_publish(message_to(topic, std::to_string(i), 0), version);
    SteadyTime start = std::chrono::steady_clock::now();
    publisher.send(bytes + encode_pingreq());
    subscriber.receive();
    subscriber.ping();
    CHECK(since(start) < Millis(1'500));
    for (int i = 1; i < count; ++i) CHECK(subscriber.receive().payload == std::to_string(i));
    CHECK(since(start) >= Millis(1'900));
    CHECK(since(start) < scaled(Millis(3'500)));
    publisher.expect(Type::pingresp);
    CHECK(counter("publishers_paused") > paused_before);
  }
}

TEST_CASE("limits.max_connects_per_s: clients beyond it wait, and all are served") {
  uint64_t paused_before = counter("connects_paused");
  const size_t count = 2 * paced::max_connects_per_s;
  SteadyTime start = std::chrono::steady_clock::now();
  std::vector<Client> clients;
  for (size_t i = 0; i < count; ++i) {
    clients.push_back(client_of(paced_broker(), 4));
    clients.back().connect();
  }
  CHECK(since(start) >= Millis(800));
  CHECK(since(start) < scaled(Millis(4'000)));
  CHECK(counter("connects_paused") > paused_before);
  for (Client& client : clients) client.ping();
}
