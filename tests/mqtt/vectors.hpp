// The wire vectors of tests/golden/mqtt_vectors.txt: one named table that several tests use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mqtt/codec.hpp"

namespace tandem::mqtt::test {

struct Vector {
  std::string name;
  Version version = Version::v311;
  bool from_client = true;
  ByteBuffer bytes;

  bool accepted = false;
  bool canonical = false;   // accepted: encode() gives the same bytes
  std::string description;  // accepted: describe() of the packet
  Reason reason = Reason::success;
  std::optional<Version> answer;  // refused: Decoded::connect_version

  DecodeOptions options() const { return {.version = version, .max_packet_bytes = 0, .from_client = from_client}; }
};

// Read once; a line that cannot be read ends the test program.
const std::vector<Vector>& vectors();

// The vector of that name, which must exist.
const Vector& vector_named(const std::string& name);

}  // namespace tandem::mqtt::test
