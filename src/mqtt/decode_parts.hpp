// What the files of the decoder share. Internal to this folder.
#pragma once

#include <optional>
#include <variant>

#include "mqtt/codec.hpp"
#include "mqtt/packet.hpp"
#include "mqtt/properties.hpp"

namespace tandem::mqtt {

// Is the code in the packet's table, for this sender?
// ([MQTT5-3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1, 3.9.3-2, 3.11.3-2, 3.14.2-1, 3.15.2-1], U-41)
bool reason_allowed(Type type, Reason reason, bool from_client);

// Inverse of to_v3_connack_code(), for the client's side; nullopt: no such code.
std::optional<Reason> from_v3_connack_code(std::uint8_t code);

// The alternative that `out` already holds, with what it held, or a new one: no work when packets of a kind
// follow each other. The caller assigns every field.
template <class Kind>
Kind& reuse(Packet& out) {
  if (Kind* const held = std::get_if<Kind>(&out)) return *held;
  return out.emplace<Kind>();
}

// How a CONNECT that is refused may be answered: see Decoded.
struct ConnectAnswer {
  std::optional<Version> version;
  std::uint32_t max_packet_bytes = 0;
};

// The body (all behind the fixed header) of one packet.
Verdict read_connect(ByteView body, Packet& out, ConnectAnswer& answer);
Verdict read_connack(ByteView body, Version version, Packet& out);
Verdict read_disconnect(ByteView body, const DecodeOptions& options, Packet& out);
Verdict read_auth(ByteView body, const DecodeOptions& options, Packet& out);
Verdict read_subscribe(ByteView body, Version version, Packet& out);
Verdict read_unsubscribe(ByteView body, Version version, Packet& out);
Verdict read_suback(Type type, ByteView body, Version version, Packet& out);

// Takes a packet id that must not be 0 ([MQTT5-2.2.1-3]).
Verdict take_packet_id(ByteReader& body, std::uint16_t& packet_id);

// Takes a string that must be valid UTF-8 ([MQTT5-1.5.4-1, -2]).
Verdict take_text(ByteReader& body, std::string_view& text);

// Nothing may be left over, and nothing may have been missing (U-37).
Verdict all_read(const ByteReader& body);

}  // namespace tandem::mqtt
