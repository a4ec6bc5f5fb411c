// The bytes of a tickle: a TCP segment from the virtual IP to a client that says nothing new. The client's TCP answers
// with its own numbers, this box's kernel knows no such connection, and its reset is exact.
#pragma once

#include "base/bytes.hpp"
#include "base/flow.hpp"

namespace tandem::vip {

// A whole IPv4 or IPv6 packet, as a raw socket takes it (the kernel fills IPv4's id and checksum). Without sequence
// numbers an ACK with impossible ones. With them one byte that the client has had long ago, which it discards: such a
// segment passes a firewall at the client, and is answered however often it comes.
ByteBuffer tickle_segment(const SampledFlow& flow);

}  // namespace tandem::vip
