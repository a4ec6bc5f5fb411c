// A packet as one line of text: what tests compare and what the table of vectors expects.
#pragma once

#include <string>

#include "mqtt/packet.hpp"

namespace tandem::mqtt::test {

// All fields; only those that differ from their default, apart from the first few of each type. Printable
// ASCII in quotes, other bytes as \xNN. The properties of a PUBLISH are those that are forwarded.
std::string describe(const Packet& packet);

}  // namespace tandem::mqtt::test
