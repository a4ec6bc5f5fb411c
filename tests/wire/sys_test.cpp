// $SYS over the wire: what a subscriber gets at once, and who may not publish there.
#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

constexpr uint8_t not_authorized = 0x87;
constexpr uint8_t retain_never = 32;

// All is there from the beginning.
Packet first_of(Client& client, const std::string& filter) {
  client.subscribe(filter);
  return client.receive();
}

}  // namespace

TEST_CASE("$SYS: who subscribes gets what is, as a retained message; '+' does not match it (MQTT5-4.7.2-1)") {
  for (const uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    const Packet version_packet = first_of(client, "$SYS/broker/version");
    CHECK(version_packet.topic == "$SYS/broker/version");
    CHECK(version_packet.payload.starts_with("tandem version "));
    CHECK(version_packet.retain());
    CHECK(version_packet.qos() == 0);
    Client other = connected(version);
    other.subscribe("+/broker/version");
    other.expect_quiet_until_pingresp();
  }
}

TEST_CASE("$SYS: Retain Handling 2 and shared subscriptions get nothing at once") {
  Client client = connected(5);
  first_of(client, "$SYS/broker/uptime");
  CHECK(client.subscribe({{"$SYS/broker/clients/total", retain_never}}) == std::vector<uint8_t>{0});
  CHECK(client.subscribe({{"$share/g/$SYS/broker/clients/total", 0}}) == std::vector<uint8_t>{0});
  client.expect_quiet_until_pingresp();
}

TEST_CASE("U-43: only the broker publishes to $SYS; 5.0 is told, 3.x is acknowledged, nobody gets it") {
  COVERS("MQTT311-3.3.5-2");
  Client watcher = connected(5);
  watcher.subscribe("$SYS/broker/mine");
  for (const uint8_t version : all_versions) {
    CAPTURE(version);
    Client client = connected(version);
    for (const uint8_t qos : {uint8_t{1}, uint8_t{2}}) {
      const uint8_t code = client.publish("$SYS/broker/mine", "x", qos);
      CHECK(code == (version == 5 ? not_authorized : 0));
    }
    client.publish("$SYS/broker/mine", "x", 0);
    client.ping();
  }
  watcher.expect_quiet_until_pingresp();
}
