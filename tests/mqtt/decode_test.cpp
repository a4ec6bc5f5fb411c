// Every wire vector, decoded and encoded again. The spec ids are in the names of the vectors.
#include <doctest/doctest.h>

#include <set>

#include "describe.hpp"
#include "vectors.hpp"

namespace tandem::mqtt::test {

TEST_CASE("wire vectors: decode gives the expected packet or reason") {
  for (const Vector& vector : vectors()) {
    CAPTURE(vector.name);
    Packet packet;
    const Decoded decoded = decode(vector.bytes, vector.options(), packet);
    CAPTURE(std::string(decoded.what));
    if (vector.accepted) {
      REQUIRE(decoded.status == DecodeStatus::packet);
      CHECK_EQ(decoded.used, vector.bytes.size());
      CHECK_EQ(describe(packet), vector.description);
      CHECK_FALSE(decoded.connect_version.has_value());
    } else {
      REQUIRE(decoded.status == DecodeStatus::error);
      CHECK_EQ(static_cast<int>(decoded.reason), static_cast<int>(vector.reason));
      CHECK(decoded.connect_version == vector.answer);
      CHECK(std::string(decoded.what) != "");
    }
  }
}

TEST_CASE("wire vectors: encode gives the same bytes") {
  for (const Vector& vector : vectors()) {
    if (!vector.accepted) continue;
    CAPTURE(vector.name);
    Packet packet;
    REQUIRE(decode(vector.bytes, vector.options(), packet).status == DecodeStatus::packet);
    ByteBuffer encoded = "before";
    encode(packet, vector.version, encoded);
    REQUIRE(encoded.starts_with("before"));
    encoded.erase(0, 6);
    CHECK_EQ(encoded == vector.bytes, vector.canonical);
    Packet again;
    REQUIRE(decode(encoded, vector.options(), again).status == DecodeStatus::packet);
    CHECK_EQ(describe(again), vector.description);
  }
}

TEST_CASE("wire vectors: names are unique, every type is there in every version, good and bad") {
  std::set<std::string> names;
  std::set<std::pair<int, int>> good;
  std::set<std::pair<int, int>> bad;
  for (const Vector& vector : vectors()) {
    CHECK_MESSAGE(names.insert(vector.name).second, vector.name);
    const int type = static_cast<std::uint8_t>(vector.bytes.at(0)) >> 4;
    (vector.accepted ? good : bad).insert({type, static_cast<int>(vector.version)});
  }
  for (int type = 1; type <= 15; ++type) {
    for (int version = 3; version <= 5; ++version) {
      CAPTURE(type);
      CAPTURE(version);
      if (type < 15 || version == 5) CHECK(good.contains({type, version}));
      CHECK(bad.contains({type, version}));
    }
  }
}

TEST_CASE("MQTT5-3.2.2-15: a packet over the maximum is refused as soon as its length is known (T-14)") {
  ByteBuffer bytes;
  const ByteBuffer payload(300, 'x');
  encode_publish({.topic = "t", .payload = payload}, Version::v5, bytes);
  DecodeOptions options{.version = Version::v5, .max_packet_bytes = static_cast<std::uint32_t>(bytes.size())};
  Packet packet;
  CHECK(decode(bytes, options, packet).status == DecodeStatus::packet);
  options.max_packet_bytes -= 1;
  for (std::size_t arrived = 3; arrived <= bytes.size(); ++arrived) {
    const Decoded decoded = decode(ByteView(bytes).substr(0, arrived), options, packet);
    REQUIRE(decoded.status == DecodeStatus::error);
    REQUIRE(decoded.reason == Reason::packet_too_large);
  }
  CHECK(decode(ByteView(bytes).substr(0, 2), options, packet).status == DecodeStatus::incomplete);
  options.max_packet_bytes = 0;  // no limit of ours
  CHECK(decode(bytes, options, packet).status == DecodeStatus::packet);
}

TEST_CASE("payload, topic and properties borrow from the input: nothing is copied") {
  const Vector& vector = vector_named("MQTT5-3.3.2-17 publish forwards properties in order");
  Packet packet;
  REQUIRE(decode(vector.bytes, vector.options(), packet).status == DecodeStatus::packet);
  const Publish& publish = std::get<Publish>(packet);
  for (const ByteView view : {publish.payload, ByteView(publish.topic), publish.properties}) {
    CHECK(view.data() >= vector.bytes.data());
    CHECK(view.data() + view.size() <= vector.bytes.data() + vector.bytes.size());
  }
}

TEST_CASE("a reused packet keeps nothing of the one before") {
  for (const Vector& first : vectors()) {
    if (!first.accepted) continue;
    for (const Vector& second : vectors()) {
      if (!second.accepted || (first.bytes[0] ^ second.bytes[0]) & 0x80) continue;
      Packet packet;
      decode(first.bytes, first.options(), packet);
      decode(second.bytes, second.options(), packet);
      REQUIRE_EQ(describe(packet), second.description);
    }
  }
}

}  // namespace tandem::mqtt::test
