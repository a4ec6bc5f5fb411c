// Any split of a byte stream gives the same packets.
#include <doctest/doctest.h>

#include <random>

#include "describe.hpp"
#include "vectors.hpp"

namespace tandem::mqtt::test {

namespace {

struct Stream {
  ByteBuffer bytes;
  std::vector<std::string> packets;
  DecodeOptions options;
};

// All accepted vectors of one version and direction in a row, as often as told.
Stream stream_of(Version version, bool from_client, int rounds) {
  Stream stream;
  stream.options = {.version = version, .max_packet_bytes = 0, .from_client = from_client};
  for (int round = 0; round < rounds; ++round) {
    for (const Vector& vector : vectors()) {
      if (!vector.accepted || vector.version != version || vector.from_client != from_client) continue;
      stream.bytes += vector.bytes;
      stream.packets.push_back(vector.description);
    }
  }
  return stream;
}

// A reader as a connection is one: takes what has arrived, keeps the rest.
class Reader {
 public:
  explicit Reader(const DecodeOptions& options) : options_(options) {}

  void arrive(ByteView bytes) {
    buffer_.append(bytes);
    std::size_t at = 0;
    for (;;) {
      const ByteView rest = ByteView(buffer_).substr(at);
      const Decoded decoded = decode(rest, options_, packet_);
      REQUIRE(decoded.status != DecodeStatus::error);
      if (decoded.status == DecodeStatus::incomplete) {
        REQUIRE(decoded.needed > rest.size());
        break;
      }
      REQUIRE(decoded.used > 0);
      REQUIRE(decoded.used <= rest.size());
      packets_.push_back(describe(packet_));
      at += decoded.used;
    }
    buffer_.erase(0, at);
  }
  const std::vector<std::string>& packets() const { return packets_; }
  bool empty() const { return buffer_.empty(); }

 private:
  DecodeOptions options_;
  ByteBuffer buffer_;
  Packet packet_;
  std::vector<std::string> packets_;
};

constexpr Version versions[] = {Version::v31, Version::v311, Version::v5};

}  // namespace

TEST_CASE("every prefix of a good packet is incomplete, and `needed` never lies") {
  for (const Vector& vector : vectors()) {
    if (!vector.accepted) continue;
    CAPTURE(vector.name);
    for (std::size_t arrived = 0; arrived < vector.bytes.size(); ++arrived) {
      Packet packet = Pingresp{};
      const Decoded decoded = decode(ByteView(vector.bytes).substr(0, arrived), vector.options(), packet);
      REQUIRE(decoded.status == DecodeStatus::incomplete);
      REQUIRE_EQ(decoded.used, 0);
      REQUIRE(decoded.needed > arrived);
      REQUIRE(decoded.needed <= vector.bytes.size());
      REQUIRE(std::holds_alternative<Pingresp>(packet));  // untouched
    }
  }
}

TEST_CASE("every prefix of a bad packet is incomplete or already the same error") {
  for (const Vector& vector : vectors()) {
    if (vector.accepted) continue;
    CAPTURE(vector.name);
    for (std::size_t arrived = 0; arrived < vector.bytes.size(); ++arrived) {
      Packet packet;
      const Decoded decoded = decode(ByteView(vector.bytes).substr(0, arrived), vector.options(), packet);
      REQUIRE(decoded.status != DecodeStatus::packet);
      if (decoded.status == DecodeStatus::error) REQUIRE(decoded.reason == vector.reason);
    }
  }
}

TEST_CASE("bytes behind a packet are left alone") {
  for (const Vector& vector : vectors()) {
    CAPTURE(vector.name);
    Packet packet;
    const Decoded decoded = decode(vector.bytes + ByteBuffer("\x30\xFF\xFF\xFF", 4), vector.options(), packet);
    CHECK((decoded.status == DecodeStatus::packet) == vector.accepted);
    if (vector.accepted) CHECK_EQ(decoded.used, vector.bytes.size());
  }
}

TEST_CASE("a stream fed byte by byte, and cut once at every place") {
  for (const Version version : versions) {
    for (const bool from_client : {true, false}) {
      const Stream stream = stream_of(version, from_client, 1);
      Reader slow(stream.options);
      for (const char byte : stream.bytes) slow.arrive(ByteView(&byte, 1));
      CHECK(slow.packets() == stream.packets);
      CHECK(slow.empty());
      for (std::size_t cut = 0; cut <= stream.bytes.size(); ++cut) {
        Reader reader(stream.options);
        reader.arrive(ByteView(stream.bytes).substr(0, cut));
        reader.arrive(ByteView(stream.bytes).substr(cut));
        REQUIRE(reader.packets() == stream.packets);
      }
    }
  }
}

TEST_CASE("a stream cut at random places") {
  std::mt19937 random(20240607);
  for (const Version version : versions) {
    for (const bool from_client : {true, false}) {
      const Stream stream = stream_of(version, from_client, 4);
      for (int round = 0; round < 50; ++round) {
        Reader reader(stream.options);
        for (ByteView rest = stream.bytes; !rest.empty();) {
          const std::size_t size = std::min<std::size_t>(rest.size(), random() % 40);
          reader.arrive(rest.substr(0, size));
          rest.remove_prefix(size);
        }
        REQUIRE(reader.packets() == stream.packets);
        REQUIRE(reader.empty());
      }
    }
  }
}

}  // namespace tandem::mqtt::test
