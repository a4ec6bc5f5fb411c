// A fuzzer's input for a WebSocket listener: the first byte says whether a good request comes first, the second how the
// rest, a client's bytes, is cut.
#pragma once

#include "base/bytes.hpp"

namespace tandem::fuzz {

// Cut or not, the same comes of it; aborts where that does not hold.
void examine_websocket(ByteView input);

}  // namespace tandem::fuzz
