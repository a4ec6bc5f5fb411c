// The hot path allocates nothing: this program counts the calls of operator new.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "mqtt/codec.hpp"

namespace {

std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* const block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}

namespace tandem::mqtt::test {

TEST_CASE("PUBLISH, acks and pings are read and written without an allocation") {
  const ByteBuffer payload(64, 'x');
  const ByteBuffer properties("\x26\x00\x01k\x00\x01v\x01\x01\x03\x00\x04text", 16);
  for (const Version version : {Version::v31, Version::v311, Version::v5}) {
    ByteBuffer stream;
    encode_publish({.topic = "some/longer/topic/name/than/a/small/string",
                    .properties = properties,
                    .payload = payload,
                    .packet_id = 7,
                    .qos = Qos::at_least_once,
                    .topic_alias = 1,
                    .message_expiry_s = 60},
                   version, stream);
    for (const Type type : {Type::puback, Type::pubrec, Type::pubrel, Type::pubcomp}) {
      encode_ack(type, 7, Reason::success, version, stream);
    }
    encode(Pingreq{}, version, stream);
    const DecodeOptions options{.version = version, .max_packet_bytes = 1000};
    Packet packet;
    ByteBuffer out;
    out.reserve(100'000);
    std::size_t packets = 0;

    const std::size_t before = allocations;
    for (int round = 0; round < 100; ++round) {
      for (ByteView rest = stream; !rest.empty(); ++packets) {
        const Decoded decoded = decode(rest, options, packet);
        if (decoded.status != DecodeStatus::packet) break;
        if (const auto* const publish = std::get_if<Publish>(&packet)) {
          const PublishParts parts{
              .topic = publish->topic, .properties = publish->properties, .payload = publish->payload};
          encode_publish(parts, version, out);
          encode_ack(Type::puback, publish->packet_id, Reason::success, version, out);
        }
        rest.remove_prefix(decoded.used);
      }
    }
    const std::size_t after = allocations;
    CHECK_EQ(packets, 600);
    CHECK_EQ(after - before, 0);
  }
}

}  // namespace tandem::mqtt::test
