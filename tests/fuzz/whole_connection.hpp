// Bytes in, bytes out, the broker behind it: a script's clients on the production edge (over socket pairs), the active
// and State behind that, and a second State that is given each record, as a standby is. No disk, no other box, no
// clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "mqtt/packet.hpp"
#include "tests/fuzz/script.hpp"

namespace tandem::fuzz {

// One connection as its client saw it.
struct Transcript {
  std::size_t client = 0;
  ByteBuffer received;
  bool closed = false;  // by the broker
  // Of the first CONNECT that could be read.
  mqtt::Version version = mqtt::Version::v311;
  std::uint32_t max_packet_bytes = 0xFFFFFFFF;
  std::uint16_t topic_alias_maximum = 0;

  bool operator==(const Transcript&) const = default;
};

struct Outcome {
  std::vector<Transcript> connections;  // in the order in which they were opened
  ByteBuffer records;                   // all that was logged
  std::string broken;                   // a rule that does not hold; empty: all hold

  bool operator==(const Outcome&) const = default;
};

// How many of the bytes that are left of a step arrive at once: 1 to that many.
using Cut = std::function<std::size_t(std::size_t left)>;

Outcome run(const Script& script, const Cut& cut);

// What the broker sent on a connection is MQTT of its version, within what its client can take: a sentence if it is
// not.
std::string broken_rule_of(const Transcript& transcript);

// Runs an input whole, and again cut elsewhere (the dice decide where); a sentence if a rule is broken or the two
// differ.
std::string examine(ByteView input, std::uint64_t dice);

}  // namespace tandem::fuzz
