// Packets through the codec and back.
#include "base/check.hpp"
#include "mqtt/codec.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

void examine_codec(ByteView input) {
  using namespace mqtt;
  ByteReader reader(input);
  const unsigned first = reader.u8();
  const DecodeOptions options{.version = static_cast<Version>(3 + (first & 0x7FU) % 3),
                              .max_packet_bytes = 100'000,
                              .from_client = (first & 0x80U) == 0};
  Packet packet;
  for (ByteView rest = reader.rest(); !rest.empty();) {
    const Decoded decoded = decode(rest, options, packet);
    if (decoded.status != DecodeStatus::packet) break;
    CHECK(decoded.used >= 2 && decoded.used <= rest.size());
    const auto* const connect = std::get_if<Connect>(&packet);
    ByteBuffer encoded;
    encode(packet, connect == nullptr ? options.version : connect->version, encoded);
    Packet again;
    CHECK(decode(encoded, options, again).status == DecodeStatus::packet || encoded.size() > options.max_packet_bytes);
    rest.remove_prefix(decoded.used);
  }
}

}  // namespace tandem::fuzz
