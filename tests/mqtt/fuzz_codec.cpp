// libFuzzer entry: the first byte chooses version and direction, the rest is a stream of packets.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "mqtt/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem;
  using namespace tandem::mqtt;
  if (size == 0) return 0;
  const DecodeOptions options{.version = static_cast<Version>(3 + data[0] % 3),
                              .max_packet_bytes = 100'000,
                              .from_client = (data[0] & 0x80U) == 0};
  Packet packet;
  for (ByteView rest(reinterpret_cast<const char*>(data + 1), size - 1); !rest.empty();) {
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
  return 0;
}
