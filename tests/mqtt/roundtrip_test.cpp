// Random packets of every type, version and direction: encode, decode, compare; encode again, same bytes.
#include <doctest/doctest.h>

#include "describe.hpp"
#include "mqtt/codec.hpp"
#include "random_packets.hpp"

namespace tandem::mqtt::test {

namespace {

void round_trip(PacketMaker& maker, Type type, Version version, bool from_client) {
  const DecodeOptions options{.version = version, .max_packet_bytes = 0, .from_client = from_client};
  const Packet packet = maker.make(type, version, from_client);
  const std::string wanted = describe(packet);
  CAPTURE(wanted);
  ByteBuffer bytes;
  encode(packet, version, bytes);
  Packet decoded_packet;
  const Decoded decoded = decode(bytes, options, decoded_packet);
  CAPTURE(std::string(decoded.what));
  REQUIRE(decoded.status == DecodeStatus::packet);
  REQUIRE_EQ(decoded.used, bytes.size());
  REQUIRE_EQ(describe(decoded_packet), wanted);
  ByteBuffer again;
  encode(decoded_packet, version, again);
  REQUIRE(again == bytes);
  // Cut short: never a packet.
  const std::size_t cut = maker.below(bytes.size());
  REQUIRE(decode(ByteView(bytes).substr(0, cut), options, decoded_packet).status == DecodeStatus::incomplete);
}

}  // namespace

TEST_CASE("random packets survive the round trip") {
  PacketMaker maker(5);
  for (int round = 0; round < 400; ++round) {
    for (int type = 1; type <= 15; ++type) {
      for (const Version version : {Version::v31, Version::v311, Version::v5}) {
        for (const bool from_client : {true, false}) {
          const auto kind = static_cast<Type>(type);
          if (sends(kind, version, from_client)) round_trip(maker, kind, version, from_client);
        }
      }
    }
    maker.clear();
  }
}

}  // namespace tandem::mqtt::test
