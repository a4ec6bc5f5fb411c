// The only parser and writer of MQTT bytes. Sans-I/O: bytes in, packets out, and back. decode() takes the
// bytes that have arrived so far; a packet cut anywhere is `incomplete` and is tried again when more has
// come, so any split of a stream gives the same packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "mqtt/packet.hpp"

namespace tandem::mqtt {

enum class DecodeStatus : std::uint8_t { packet, incomplete, error };

struct Decoded {
  DecodeStatus status = DecodeStatus::incomplete;
  // packet: bytes used. incomplete: 0. error: meaningless, the connection ends.
  std::size_t used = 0;
  // incomplete: bytes of the whole packet as far as known (at least bytes.size() + 1), so that a caller can
  // reserve.
  std::size_t needed = 0;
  // error: code for CONNACK or DISCONNECT, and one sentence for the journal.
  Reason reason = Reason::success;
  const char* what = "";
  // error in a CONNECT whose version byte was read: the version in which a CONNACK is written. A 3.x client
  // gets one only for a reason that to_v3_connack_code() knows ([MQTT311-3.1.2-2, 3.1.4-1]). No value: close
  // without an answer.
  std::optional<Version> connect_version = std::nullopt;
  // The largest packet that this client takes, if its properties could be read; 0: not known.
  std::uint32_t connect_max_packet_bytes = 0;
};

struct DecodeOptions {
  Version version = Version::v311;  // of the connection; ignored for CONNECT, which tells its own
  // Whole packet; a larger one is an error 0x95 as soon as its length is known (T-14). 0: only MQTT's own
  // limit.
  std::uint32_t max_packet_bytes = 0;
  bool from_client = true;  // which packet types and properties are legal
};

// Decodes the first packet of `bytes` into `out` (which then borrows from `bytes`). Give the same `out` again
// and again: what it holds is reused. After `incomplete` it is untouched, after `error` its content means
// nothing.
Decoded decode(ByteView bytes, const DecodeOptions& options, Packet& out);

// Appends the packet to `out`. Whatever the caller gives must fit MQTT's ranges (broken invariants abort).
// CONNECT is written in its own version; a Publish by its fields: what its `properties` say about alias,
// expiry and identifiers is passed over.
void encode(const Packet& packet, Version version, ByteBuffer& out);

// The hot writers, without the detour through Packet.

struct PublishParts {
  std::string_view topic = {};
  ByteView properties = {};  // forwarded property bytes without length; only for 5.0
  ByteView payload = {};
  std::uint16_t packet_id = 0;
  Qos qos = Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  std::uint16_t topic_alias = 0;
  std::optional<std::uint32_t> message_expiry_s = std::nullopt;
  const std::uint32_t* subscription_identifiers = nullptr;
  std::size_t subscription_identifier_count = 0;
};

// Bytes that encode_publish() would append: fixed header included ([MQTT5-3.1.2-24]).
std::size_t publish_size(const PublishParts& parts, Version version);
void encode_publish(const PublishParts& parts, Version version, ByteBuffer& out);
// All of it but the payload, which comes behind it.
void encode_publish_head(const PublishParts& parts, Version version, ByteBuffer& out);

// A PUBLISH as bytes that others may get as they are, but for the packet id and the first byte.
struct PublishForm {
  ByteView bytes = {};    // empty: there is none
  std::size_t id_at = 0;  // of the packet id, unless for QoS 0
  Version version = Version::v311;
  Qos qos = Qos::at_most_once;

  // 3.1 and 3.1.1 do not differ here.
  bool fits(Version wanted, Qos wanted_qos) const {
    return qos == wanted_qos && (version == Version::v5) == (wanted == Version::v5) && !bytes.empty();
  }
};

// Of a packet that came in this version: none if what it says is not forwarded as it is.
PublishForm form_of(const Publish& packet, Version version);
// `bytes`: what encode_publish() made of `parts`.
PublishForm form_of(const PublishParts& parts, Version version, ByteView bytes);
// packet_id: 0 for QoS 0.
void append_publish(const PublishForm& form, std::uint16_t packet_id, bool retain, ByteBuffer& out);
// What of it is not the same for everybody; returns the rest, which comes behind it.
ByteView append_publish_head(const PublishForm& form, std::uint16_t packet_id, bool retain, ByteBuffer& out);

// PUBACK, PUBREC, PUBREL, PUBCOMP; the reason only reaches 5.0 clients.
void encode_ack(Type type, std::uint16_t packet_id, Reason reason, Version version, ByteBuffer& out);
// The same where it is the packet id and nothing more: for success, and for 3.x clients.
inline void append_short_ack(Type type, std::uint16_t packet_id, ByteBuffer& out) {
  const char bytes[] = {static_cast<char>((static_cast<unsigned>(type) << 4) | (type == Type::pubrel ? 2U : 0U)), 2,
                        static_cast<char>(packet_id >> 8), static_cast<char>(packet_id & 0xFF)};
  out.append(bytes, sizeof bytes);
}

// Appends the properties of a received PUBLISH that are forwarded: all but Topic Alias, Message Expiry
// Interval and Subscription Identifier, in order ([MQTT5-3.3.2-4, -15..-20]). Input: Publish::properties
// (validated).
void forwarded_properties(ByteView properties, ByteBuffer& out);

}  // namespace tandem::mqtt
