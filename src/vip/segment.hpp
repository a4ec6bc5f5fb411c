// The bytes of a tickle: a TCP segment from the virtual IP to a client whose sequence number cannot be right. The
// client's TCP answers with its own numbers, this box's kernel knows no such connection, and its reset is exact.
#pragma once

#include "base/bytes.hpp"
#include "base/flow.hpp"

namespace tandem::vip {

// A whole IPv4 or IPv6 packet, as a raw socket takes it (the kernel fills IPv4's id and checksum): ACK, no data.
ByteBuffer tickle_segment(const Flow& flow);

}  // namespace tandem::vip
