// Any valid stream of packets, cut at any byte, has one outcome: the same records and the same bytes back.
#include <doctest/doctest.h>

#include <string>

#include "mqtt/codec.hpp"
#include "tests/fuzz/whole_connection.hpp"
#include "tests/mqtt/random_packets.hpp"

namespace tandem::fuzz {

namespace {

using mqtt::Type;
using mqtt::Version;

// What a client does after its CONNECT, as random packets; the subscriptions bring some of it back.
ByteBuffer random_stream(mqtt::test::PacketMaker& maker, Version version, std::size_t packets) {
  static constexpr Type types[] = {Type::publish, Type::publish,   Type::publish,     Type::puback, Type::pubrec,
                                   Type::pubrel,  Type::subscribe, Type::unsubscribe, Type::pingreq};
  ByteBuffer stream;
  mqtt::Subscribe all;
  all.packet_id = 1;
  all.requests.push_back({"#", {.qos = mqtt::Qos::exactly_once}});
  mqtt::encode(all, version, stream);
  for (; packets > 0; --packets, maker.clear()) {
    mqtt::Packet packet = maker.make(types[maker.below(std::size(types))], version, true);
    if (auto* const publish = std::get_if<mqtt::Publish>(&packet)) {
      if (publish->topic.empty()) continue;  // an alias that was never told would end the connection
      if (publish->topic_alias != 0) publish->topic_alias = static_cast<std::uint16_t>(publish->topic_alias % 4 + 1);
    }
    mqtt::encode(packet, version, stream);
  }
  return stream;
}

Script script_of(Version version, ByteView stream, bool reader) {
  const Header header{
      .first_connects = true, .first_is_v5 = version == Version::v5, .first_stays = true, .reader = reader};
  return {.header = header, .steps = {{.action = Action::bytes, .client = 0, .bytes = stream}}};
}

const Cut whole = [](std::size_t left) { return left; };

}  // namespace

TEST_CASE("a random stream cut at each of its bytes") {
  mqtt::test::PacketMaker maker(11);
  for (const Version version : {Version::v311, Version::v5}) {
    for (int round = 0; round < 3; ++round) {
      const ByteBuffer stream = random_stream(maker, version, 4).substr(0, 400);
      const Script script = script_of(version, stream, true);
      const Outcome outcome = run(script, whole);
      REQUIRE_EQ(outcome.broken, "");
      for (std::size_t at = 1; at < stream.size(); ++at) {
        CAPTURE(at);
        // Of the stream alone: CONNECT and the reader's packets are shorter steps of their own.
        const Outcome cut = run(script, [&](std::size_t left) { return left == stream.size() ? at : left; });
        REQUIRE(cut == outcome);
      }
    }
  }
}

TEST_CASE("longer random streams, a byte at a time and in random pieces") {
  mqtt::test::PacketMaker maker(12);
  for (const Version version : {Version::v311, Version::v5}) {
    for (int round = 0; round < 10; ++round) {
      CAPTURE(round);
      const ByteBuffer stream = random_stream(maker, version, 30).substr(0, 16'000);
      const Script script = script_of(version, stream, round % 2 == 0);
      const Outcome outcome = run(script, whole);
      REQUIRE_EQ(outcome.broken, "");
      REQUIRE(outcome.connections[0].received.size() > 4);
      REQUIRE(run(script, [](std::size_t) { return 1; }) == outcome);
      REQUIRE(run(script, [&](std::size_t left) { return 1 + maker.below(left); }) == outcome);
    }
  }
}

}  // namespace tandem::fuzz
