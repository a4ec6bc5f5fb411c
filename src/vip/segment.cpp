#include "vip/segment.hpp"

#include <cstdint>

#include "vip/checksum.hpp"

namespace tandem::vip {

namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t hop_limit = 64;
constexpr std::uint16_t tcp_header_bytes = 20;
constexpr std::uint16_t ipv4_header_bytes = 20;
constexpr std::uint16_t window = 1234;
constexpr std::uint8_t flag_ack = 0x10;
constexpr std::size_t checksum_at = 16;  // in the TCP header

ByteBuffer tcp_segment(const SampledFlow& sampled) {
  const Flow& flow = sampled.flow;
  const Sequences at = sampled.at.value_or(Sequences{1, 0});
  ByteBuffer tcp;
  ByteWriter(tcp).u16_be(flow.server_port).u16_be(flow.client_port);
  ByteWriter(tcp).u32_be(at.server - 1).u32_be(at.client);
  ByteWriter(tcp).u8((tcp_header_bytes / 4) << 4U).u8(flag_ack).u16_be(window).u16_be(0).u16_be(0);
  if (sampled.at) tcp.push_back('\0');
  // With the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1). Both forms add up to the same kinds of words.
  ByteBuffer summed(flow.server.view());
  summed += flow.client.view();
  ByteWriter(summed).u32_be(static_cast<std::uint32_t>(tcp.size())).u32_be(protocol_tcp);
  summed += tcp;
  const std::uint16_t sum = checksum(summed);
  tcp[checksum_at] = static_cast<char>(sum >> 8U);
  tcp[checksum_at + 1] = static_cast<char>(sum & 0xFFU);
  return tcp;
}

}  // namespace

ByteBuffer tickle_segment(const SampledFlow& sampled) {
  const Flow& flow = sampled.flow;
  const ByteBuffer tcp = tcp_segment(sampled);
  const auto tcp_bytes = static_cast<std::uint16_t>(tcp.size());
  ByteBuffer packet;
  ByteWriter out(packet);
  if (flow.client.v6) {
    out.u32_be(6U << 28U).u16_be(tcp_bytes).u8(protocol_tcp).u8(hop_limit);
  } else {
    out.u8(0x45).u8(0).u16_be(static_cast<std::uint16_t>(ipv4_header_bytes + tcp_bytes)).u16_be(0).u16_be(0);
    out.u8(hop_limit).u8(protocol_tcp).u16_be(0);
  }
  packet += flow.server.view();
  packet += flow.client.view();
  packet += tcp;
  return packet;
}

}  // namespace tandem::vip
