// A fuzzer's input for the codec: the first byte chooses version and direction, the rest is a stream of packets.
#pragma once

#include "base/bytes.hpp"

namespace tandem::fuzz {

// What can be read can be written and read again; aborts where that does not hold.
void examine_packets(ByteView input);

}  // namespace tandem::fuzz
