// Why something is refused, in words: MQTT 5 clients get it where it fits into what they take ([MQTT5-3.4.2-2] and its
// like for each packet).
#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "mqtt/codec.hpp"

namespace tandem::broker {

// `P`: CONNACK, SUBACK, UNSUBACK or DISCONNECT. `max_bytes`: what the client takes. An empty `why` is left out.
template <class P>
void encode_with_reason(P packet, std::string_view why, mqtt::Version version, std::uint32_t max_bytes,
                        ByteBuffer& out) {
  if (version == mqtt::Version::v5 && !why.empty()) {
    const std::size_t begin = out.size();
    packet.properties.reason_string = why;
    mqtt::encode(packet, version, out);
    if (out.size() - begin <= max_bytes) return;
    out.resize(begin);
    packet.properties.reason_string.reset();
  }
  mqtt::encode(packet, version, out);
}

}  // namespace tandem::broker
