// What an active has sent to a client without a socket.
#pragma once

#include <variant>

#include "tests/broker/active_house.hpp"

#undef CHECK  // base/check.hpp's; in tests it is doctest's
#include <doctest/doctest.h>

namespace tandem::test {

// Takes what a client was sent: packets of one kind.
template <class Kind, class See>
void each_sent(FakeClient& client, See see) {
  mqtt::DecodeOptions options;
  options.version = client.version();
  options.from_client = false;
  mqtt::Packet packet;
  for (ByteView rest = client.out(); !rest.empty();) {
    const mqtt::Decoded decoded = mqtt::decode(rest, options, packet);
    REQUIRE(decoded.status == mqtt::DecodeStatus::packet);
    REQUIRE(std::holds_alternative<Kind>(packet));
    see(std::get<Kind>(packet));
    rest.remove_prefix(decoded.used);
  }
  client.out().clear();
}

}  // namespace tandem::test
