// Outside bytes never crash the decoder, whatever they are. The seed is fixed: a failure repeats.
#include <doctest/doctest.h>

#include <random>

#include "describe.hpp"
#include "vectors.hpp"

namespace tandem::mqtt::test {

namespace {

using Random = std::mt19937_64;

// The bytes in a block of their own size, so that a sanitizer sees a read past the end.
void decode_exactly(ByteView bytes, const DecodeOptions& options, Packet& packet) {
  const std::vector<char> block(bytes.begin(), bytes.end());
  const ByteView view(block.data(), block.size());
  const Decoded decoded = decode(view, options, packet);
  switch (decoded.status) {
    case DecodeStatus::packet: {
      REQUIRE(decoded.used > 1);
      REQUIRE(decoded.used <= view.size());
      // What was let in can be written, and read again as the same.
      const auto* const connect = std::get_if<Connect>(&packet);
      ByteBuffer encoded;
      encode(packet, connect == nullptr ? options.version : connect->version, encoded);
      Packet again;
      const Decoded second = decode(encoded, options, again);
      REQUIRE(second.status == DecodeStatus::packet);
      REQUIRE_EQ(second.used, encoded.size());
      REQUIRE_EQ(describe(again), describe(packet));
      break;
    }
    case DecodeStatus::incomplete:
      REQUIRE_EQ(decoded.used, 0);
      REQUIRE(decoded.needed > view.size());
      break;
    case DecodeStatus::error:
      REQUIRE(is_error(decoded.reason));
      REQUIRE(decoded.what != nullptr);
      break;
  }
}

void mutate(ByteBuffer& bytes, Random& random) {
  const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
  switch (random() % 6) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
      break;
    case 1:
      bytes[at] = static_cast<char>(random());
      break;
    case 2:
      bytes.insert(at, 1, static_cast<char>(random()));
      break;
    case 3:
      bytes.erase(at, 1 + random() % 3);
      break;
    case 4:
      bytes += bytes.substr(at, random() % 16);
      break;
    default:
      bytes[at] = "\x00\x01\x7F\x80\xFF\x2B\x23\x26"[random() % 8];
      break;
  }
  if (bytes.empty()) bytes.push_back('\x30');
}

// So that most mutations reach the readers of the bodies.
void repair_length(ByteBuffer& bytes) {
  if (bytes.size() >= 2 && bytes.size() <= 129) bytes[1] = static_cast<char>(bytes.size() - 2);
}

}  // namespace

TEST_CASE("mutated packets of every kind") {
  Random random(1883);
  Packet packet;  // one for all, as a connection has it
  for (const Vector& vector : vectors()) {
    for (int round = 0; round < 400; ++round) {
      ByteBuffer bytes = vector.bytes;
      for (std::uint64_t n = 1 + random() % 4; n > 0; --n) mutate(bytes, random);
      if (random() % 4 != 0) repair_length(bytes);
      decode_exactly(bytes, vector.options(), packet);
    }
  }
}

TEST_CASE("random bytes in every version and direction") {
  Random random(8883);
  Packet packet;
  for (int round = 0; round < 200'000; ++round) {
    ByteBuffer bytes(random() % 48, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (random() % 2 == 0) repair_length(bytes);
    const DecodeOptions options{.version = static_cast<Version>(3 + random() % 3),
                                .max_packet_bytes = static_cast<std::uint32_t>(random() % 3 == 0 ? 30 : 0),
                                .from_client = random() % 2 == 0};
    decode_exactly(bytes, options, packet);
  }
}

TEST_CASE("a packet whose length announces more than there is stays incomplete") {
  for (const Vector& vector : vectors()) {
    if (!vector.accepted || vector.bytes.size() > 100) continue;
    CAPTURE(vector.name);
    ByteBuffer bytes = vector.bytes;
    bytes[1] = static_cast<char>(bytes[1] + 1);
    Packet packet;
    const Decoded decoded = decode(bytes, vector.options(), packet);
    CHECK(decoded.status == DecodeStatus::incomplete);
    CHECK_EQ(decoded.needed, bytes.size() + 1);
  }
}

TEST_CASE("U-37: a byte left over is refused, unless it belongs to a payload") {
  for (const Vector& vector : vectors()) {
    if (!vector.accepted || vector.bytes.size() > 100 || vector.bytes.size() < 4) continue;
    const auto type = static_cast<Type>(static_cast<std::uint8_t>(vector.bytes[0]) >> 4);
    if (type == Type::publish || type == Type::suback || (type == Type::unsuback && vector.version == Version::v5))
      continue;
    CAPTURE(vector.name);
    ByteBuffer longer = vector.bytes + ByteBuffer(1, '\0');
    longer[1] = static_cast<char>(longer[1] + 1);
    Packet packet;
    const Decoded decoded = decode(longer, vector.options(), packet);
    // A short ack or DISCONNECT may grow into its next longer form.
    if (decoded.status == DecodeStatus::packet) {
      CHECK_EQ(describe(packet), vector.description);
      CHECK(vector.name.starts_with("U-1"));
    } else {
      CHECK(decoded.status == DecodeStatus::error);
      CHECK(decoded.reason == Reason::malformed_packet);
    }
  }
}

}  // namespace tandem::mqtt::test
