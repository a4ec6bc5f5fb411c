// encode_publish, publish_size, encode_ack and forwarded_properties.
#include <doctest/doctest.h>

#include "describe.hpp"
#include "mqtt/codec.hpp"
#include "random_packets.hpp"
#include "vectors.hpp"

namespace tandem::mqtt::test {

namespace {

ByteBuffer publish(const PublishParts& parts, Version version) {
  ByteBuffer out;
  encode_publish(parts, version, out);
  return out;
}

ByteBuffer ack(Type type, std::uint16_t id, Reason reason, Version version) {
  ByteBuffer out;
  encode_ack(type, id, reason, version, out);
  return out;
}

}  // namespace

TEST_CASE("encode_publish gives the bytes of the vectors") {
  CHECK(publish({.topic = "a/b", .payload = "hi"}, Version::v311) == vector_named("MQTT311-3.3 publish QoS 0").bytes);
  CHECK(
      publish({.topic = "a/b", .payload = "hi", .packet_id = 10, .qos = Qos::exactly_once, .retain = true, .dup = true},
              Version::v5) == vector_named("MQTT5-3.3 publish QoS 2 retain dup").bytes);
  const std::uint32_t identifiers[] = {1, 268'435'455};
  CHECK(publish({.topic = "a/b",
                 .properties = ByteView("\x26\x00\x01k\x00\x01v", 7),
                 .payload = "hi",
                 .topic_alias = 5,
                 .message_expiry_s = 0x01020304,
                 .subscription_identifiers = identifiers,
                 .subscription_identifier_count = 2},
                Version::v5) == vector_named("MQTT5-3.3.4-4 publish to a subscriber with all hot properties").bytes);
}

TEST_CASE("3.x clients see no properties") {
  const std::uint32_t identifier = 3;
  const PublishParts parts{.topic = "a/b",
                           .properties = ByteView("\x01\x01", 2),
                           .payload = "hi",
                           .topic_alias = 5,
                           .message_expiry_s = 9,
                           .subscription_identifiers = &identifier,
                           .subscription_identifier_count = 1};
  CHECK(publish(parts, Version::v311) == publish({.topic = "a/b", .payload = "hi"}, Version::v311));
  CHECK(publish(parts, Version::v31) == publish({.topic = "a/b", .payload = "hi"}, Version::v31));
}

TEST_CASE("MQTT5-3.1.2-24: publish_size is what encode_publish appends, at every length of the length") {
  PacketMaker maker(77);
  const ByteBuffer payload(2'100'000, 'p');
  for (const Version version : {Version::v31, Version::v311, Version::v5}) {
    for (const std::size_t size :
         {0,   1,      100,    120,    121,    122,    123,    124,    125,       126,       127,
          128, 16'370, 16'376, 16'377, 16'378, 16'379, 16'380, 16'384, 2'097'140, 2'097'148, 2'097'152}) {
      PublishParts parts{.topic = "t", .payload = ByteView(payload).substr(0, size)};
      if (maker.chance()) parts.message_expiry_s = 7;
      if (maker.chance()) parts.topic_alias = 3;
      ByteBuffer out = "before";
      encode_publish(parts, version, out);
      CHECK_EQ(out.size() - 6, publish_size(parts, version));
      Packet packet;
      const Decoded decoded =
          decode(ByteView(out).substr(6), {.version = version, .max_packet_bytes = 0, .from_client = false}, packet);
      REQUIRE(decoded.status == DecodeStatus::packet);
      CHECK_EQ(decoded.used, out.size() - 6);
      CHECK(std::get<Publish>(packet).payload == parts.payload);
    }
  }
}

TEST_CASE("U-18: encode_ack writes the shortest form, 3.x never sees a reason") {
  CHECK(ack(Type::puback, 10, Reason::success, Version::v311) == ByteBuffer("\x40\x02\x00\x0A", 4));
  CHECK(ack(Type::puback, 10, Reason::not_authorized, Version::v311) == ByteBuffer("\x40\x02\x00\x0A", 4));
  CHECK(ack(Type::puback, 10, Reason::success, Version::v5) == ByteBuffer("\x40\x02\x00\x0A", 4));
  CHECK(ack(Type::pubrec, 0x1234, Reason::not_authorized, Version::v5) == ByteBuffer("\x50\x03\x12\x34\x87", 5));
  CHECK(ack(Type::pubrel, 0xFFFF, Reason::packet_identifier_not_found, Version::v5) ==
        ByteBuffer("\x62\x03\xFF\xFF\x92", 5));
  CHECK(ack(Type::pubcomp, 1, Reason::success, Version::v31) == ByteBuffer("\x70\x02\x00\x01", 4));
}

TEST_CASE("encode_ack and encode() agree") {
  PacketMaker maker(4);
  for (int round = 0; round < 2000; ++round) {
    for (const Version version : {Version::v31, Version::v311, Version::v5}) {
      const Type type = static_cast<Type>(4 + maker.below(4));
      Packet packet = maker.make(type, version, maker.chance());
      Ack& made = std::get<Ack>(packet);
      made.properties = {};
      ByteBuffer out;
      encode(packet, version, out);
      CHECK(out == ack(type, made.packet_id, made.reason, version));
    }
  }
}

TEST_CASE("MQTT5-3.3.2-4, -15..-20, 3.3.4-6: forwarded properties keep order and leave the hot ones out") {
  const Vector& vector = vector_named("MQTT5-3.3.2-17 publish forwards properties in order");
  Packet packet;
  REQUIRE(decode(vector.bytes, vector.options(), packet).status == DecodeStatus::packet);
  const Publish& received = std::get<Publish>(packet);
  CHECK(received.filtered);
  ByteBuffer forwarded = "x";
  forwarded_properties(received.properties, forwarded);
  const ByteView wanted(
      "\x26\x00\x01"
      "b\x00\x01"
      "1\x26\x00\x01"
      "a\x00\x01"
      "2\x09\x00\x00\x26\x00\x01"
      "b\x00\x01"
      "1\x01\x01",
      26);
  CHECK(ByteView(forwarded).substr(1) == wanted);
}

TEST_CASE("`filtered` tells exactly when the property bytes are not forwarded as they are") {
  PacketMaker maker(99);
  for (int round = 0; round < 3000; ++round) {
    const Packet made = maker.make(Type::publish, Version::v5, true);
    ByteBuffer bytes;
    encode(made, Version::v5, bytes);
    Packet packet;
    REQUIRE(decode(bytes, {.version = Version::v5, .max_packet_bytes = 0}, packet).status == DecodeStatus::packet);
    const Publish& publish = std::get<Publish>(packet);
    ByteBuffer forwarded;
    forwarded_properties(publish.properties, forwarded);
    CHECK_EQ(publish.filtered, forwarded != publish.properties);
    CHECK(forwarded == std::get<Publish>(made).properties);
    maker.clear();
  }
}

}  // namespace tandem::mqtt::test
