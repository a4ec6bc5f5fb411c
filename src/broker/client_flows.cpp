#include "broker/client_flows.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::broker {

namespace {

constexpr std::uint8_t list_version = 1;

IpAddress get(ByteReader& in, bool v6) {
  IpAddress address;
  address.v6 = v6;
  const ByteView bytes = in.bytes(address.size());
  if (!bytes.empty()) std::memcpy(address.bytes.data(), bytes.data(), bytes.size());
  return address;
}

}  // namespace

std::vector<IpAddress> virtual_ips(const Config& config) {
  std::vector<IpAddress> vips;
  if (!config.by_keepalived()) return vips;
  for (const std::string& text : config.takeover.vip) {
    if (const std::optional<IpAddress> address = parse_address(text)) vips.push_back(*address);
  }
  return vips;
}

std::vector<Flow> flows_to(const edge::Connections& connections, const std::vector<IpAddress>& servers) {
  std::vector<Flow> flows;
  connections.each([&](const edge::Connection& connection) {
    const Flow& flow = connection.flow();
    if (std::find(servers.begin(), servers.end(), flow.server) != servers.end()) flows.push_back(flow);
  });
  std::sort(flows.begin(), flows.end());
  return flows;
}

ByteBuffer encode_flows(const std::vector<Flow>& flows, std::size_t max_bytes) {
  constexpr std::size_t largest = 1 + 2 + 2 + 16 + 16;
  ByteBuffer bytes;
  ByteWriter(bytes).u8(list_version);
  for (const Flow& flow : flows) {
    if (bytes.size() + largest > max_bytes) break;
    ByteWriter(bytes).u8(flow.client.v6 ? 6 : 4).u16_be(flow.client_port).u16_be(flow.server_port);
    bytes += flow.client.view();
    bytes += flow.server.view();
  }
  return bytes;
}

std::vector<Flow> decode_flows(ByteView bytes) {
  std::vector<Flow> flows;
  ByteReader in(bytes);
  if (in.u8() != list_version) return {};
  while (in.ok() && !in.at_end()) {
    const std::uint8_t family = in.u8();
    if (family != 4 && family != 6) return {};
    Flow flow;
    flow.client_port = in.u16_be();
    flow.server_port = in.u16_be();
    flow.client = get(in, family == 6);
    flow.server = get(in, family == 6);
    if (!in.ok()) return {};
    flows.push_back(flow);
  }
  return flows;
}

}  // namespace tandem::broker
