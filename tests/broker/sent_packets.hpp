// What an active has sent to a client without a socket.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "tests/broker/active_house.hpp"

#undef CHECK  // base/check.hpp's; in tests it is doctest's
#include <doctest/doctest.h>

namespace tandem::test {

// Takes what a client was sent.
template <class See>
void each_packet(FakeClient& client, See see) {
  mqtt::DecodeOptions options;
  options.version = client.version();
  options.from_client = false;
  mqtt::Packet packet;
  const std::string sent = client.sent();
  for (ByteView rest = sent; !rest.empty();) {
    const mqtt::Decoded decoded = mqtt::decode(rest, options, packet);
    REQUIRE(decoded.status == mqtt::DecodeStatus::packet);
    see(packet);
    rest.remove_prefix(decoded.used);
  }
  client.written();
}

// Takes what a client was sent: packets of one kind, behind its SUBACK if it waits for one.
template <class Kind, class See>
void each_sent(FakeClient& client, See see, bool suback_first = false) {
  each_packet(client, [&](const mqtt::Packet& packet) {
    if (std::exchange(suback_first, false)) {
      REQUIRE(std::holds_alternative<mqtt::Suback>(packet));
    } else {
      REQUIRE(std::holds_alternative<Kind>(packet));
      see(std::get<Kind>(packet));
    }
  });
}

}  // namespace tandem::test
