// Tells the LAN that an address is here now: gratuitous ARP, or an unsolicited neighbour advertisement. keepalived does
// that, too, but the address may be here before it has (docs/takeover.md).
#pragma once

#include "base/flow.hpp"
#include "base/result.hpp"

namespace tandem::vip {

// Needs CAP_NET_RAW. Error: it is on no interface, or cannot be sent.
Status announce(const IpAddress& address);

}  // namespace tandem::vip
