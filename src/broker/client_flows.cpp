#include "broker/client_flows.hpp"

#include <algorithm>

namespace tandem::broker {

namespace {

constexpr std::uint8_t list_version = 1;
constexpr unsigned v6_bit = 1;
constexpr unsigned sampled_bit = 2;

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

ByteBuffer encode_flows(const std::vector<SampledFlow>& flows, std::size_t max_bytes) {
  constexpr std::size_t largest = 1 + 2 + 2 + 16 + 16 + 4 + 4;
  ByteBuffer bytes;
  ByteWriter out(bytes);
  out.u8(list_version);
  for (const auto& [flow, at] : flows) {
    if (bytes.size() + largest > max_bytes) break;
    out.u8(static_cast<std::uint8_t>((flow.client.v6 ? v6_bit : 0U) | (at ? sampled_bit : 0U)));
    out.u16_be(flow.client_port).u16_be(flow.server_port);
    bytes += flow.client.view();
    bytes += flow.server.view();
    if (at) out.u32_be(at->server).u32_be(at->client);
  }
  return bytes;
}

std::vector<SampledFlow> decode_flows(ByteView bytes) {
  std::vector<SampledFlow> flows;
  ByteReader in(bytes);
  if (in.u8() != list_version) return {};
  while (in.ok() && !in.at_end()) {
    const unsigned flags = in.u8();
    if (flags > (v6_bit | sampled_bit)) return {};
    const bool v6 = (flags & v6_bit) != 0;
    SampledFlow one;
    one.flow.client_port = in.u16_be();
    one.flow.server_port = in.u16_be();
    one.flow.client = read_address(in, v6);
    one.flow.server = read_address(in, v6);
    if ((flags & sampled_bit) != 0) {
      one.at.emplace();
      one.at->server = in.u32_be();
      one.at->client = in.u32_be();
    }
    if (!in.ok()) return {};
    flows.push_back(one);
  }
  return flows;
}

}  // namespace tandem::broker
