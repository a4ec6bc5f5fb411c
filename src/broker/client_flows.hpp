// Whom a box serves, as it tells the other one, so that this can reset stale connections after a takeover (src/vip).
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/flow.hpp"
#include "broker/config.hpp"
#include "edge/connections.hpp"

namespace tandem::broker {

// Connections to these move with them to the other box. None unless keepalived is the arbiter.
std::vector<IpAddress> virtual_ips(const Config& config);

// Of the open connections, those to one of `servers`; sorted.
std::vector<Flow> flows_to(const edge::Connections& connections, const std::vector<IpAddress>& servers);

// docs/formats-mirror.md, "clients". As many as fit into `max_bytes`.
ByteBuffer encode_flows(const std::vector<SampledFlow>& flows, std::size_t max_bytes);
// Bytes that are no such list give none.
std::vector<SampledFlow> decode_flows(ByteView bytes);

}  // namespace tandem::broker
