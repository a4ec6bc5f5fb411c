// Whom a box serves, as the other one is told; and the segment that resets such a connection.
#include "broker/client_flows.hpp"

#include <algorithm>
#include <random>

#include "vip/segment.hpp"

#include <doctest/doctest.h>

using namespace tandem;

namespace {

Flow flow(const char* client, std::uint16_t port, const char* server) {
  return Flow{*parse_address(client), *parse_address(server), port, 1883};
}

std::vector<SampledFlow> some() {
  return {{flow("10.0.0.7", 40'000, "10.0.0.1"), {}},
          {flow("fd00::7", 40'001, "fd00::1"), {}},
          {flow("10.0.0.8", 1, "10.0.0.1"), Sequences{0, 0xFFFFFFFF}},
          {flow("fd00::8", 2, "fd00::1"), Sequences{0x01020304, 5}}};
}

// RFC 1071: over everything with its checksum in place the sum is 0xFFFF.
std::uint32_t sum_of(ByteView bytes) {
  std::uint32_t sum = 0;
  ByteReader in(bytes);
  while (in.remaining() >= 2) sum += in.u16_be();
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16U);
  return sum;
}

}  // namespace

TEST_CASE("addresses: both families, with or without a prefix length, nothing else") {
  CHECK(parse_address("10.77.0.10/24")->bytes[3] == 10);
  CHECK(parse_address("fd00::1")->v6);
  CHECK_FALSE(parse_address("boxa").has_value());
  CHECK_FALSE(parse_address("").has_value());
}

TEST_CASE("clients: what is encoded is decoded, and no more than fits is encoded") {
  const std::vector<SampledFlow> flows = some();
  CHECK(broker::decode_flows(broker::encode_flows(flows, 1'000)) == flows);
  CHECK(broker::decode_flows(broker::encode_flows(flows, 58)).size() == 1);
  CHECK(broker::decode_flows(broker::encode_flows({}, 1'000)).empty());
}

TEST_CASE("clients: bytes that are no list give none, a list that is cut between two clients those before it") {
  const std::vector<SampledFlow> flows = some();
  const ByteBuffer whole = broker::encode_flows(flows, 1'000);
  std::mt19937 rng(1);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<SampledFlow> got = broker::decode_flows(ByteView(whole).substr(0, size));
    REQUIRE(got.size() < flows.size());
    CHECK(std::equal(got.begin(), got.end(), flows.begin()));
    ByteBuffer changed = whole;
    changed[size] = static_cast<char>(rng());
    CHECK(broker::decode_flows(changed).size() <= whole.size() / 13);  // 13: the shortest entry
  }
}

TEST_CASE("tickle: a segment from the virtual IP to the client whose TCP checksum is right") {
  for (const SampledFlow& sampled : some()) {
    const Flow& one = sampled.flow;
    const std::uint32_t tcp_bytes = sampled.at ? 21 : 20;
    const ByteBuffer packet = vip::tickle_segment(sampled);
    const std::size_t ip = one.client.v6 ? 40 : 20;
    const std::size_t address = one.client.v6 ? 16 : 4;
    REQUIRE(packet.size() == ip + tcp_bytes);
    ByteBuffer summed = packet.substr(ip - 2 * address, 2 * address);
    CHECK(summed.substr(0, address) == one.server.view());
    ByteWriter(summed).u32_be(tcp_bytes).u32_be(6);
    summed += packet.substr(ip);
    if (sampled.at) summed.push_back('\0');  // padding to whole words, for the sum only
    CHECK(sum_of(summed) == 0xFFFF);
    ByteReader tcp(ByteView(packet).substr(ip));
    CHECK(tcp.u16_be() == one.server_port);
    CHECK(tcp.u16_be() == one.client_port);
    CHECK(tcp.u32_be() == (sampled.at ? sampled.at->server - 1 : 0));  // the last byte that the client has had
    CHECK(tcp.u32_be() == (sampled.at ? sampled.at->client : 0));
  }
}
