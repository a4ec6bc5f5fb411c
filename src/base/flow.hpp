// A client's TCP connection as the network sees it: addresses and ports of both ends.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace tandem {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4: the first four
  bool v6 = false;
  std::size_t size() const { return v6 ? 16 : 4; }
  ByteView view() const { return {reinterpret_cast<const char*>(bytes.data()), size()}; }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// Of the host that has the address: one of IPv6 has a /64 to choose from.
std::uint64_t host_key(const IpAddress& address);

IpAddress read_address(ByteReader& in, bool v6);
// "10.0.0.1", "fd00::1"; a "/24" behind it is ignored. Nothing: neither.
std::optional<IpAddress> parse_address(const std::string& text);

struct Flow {
  IpAddress client;
  IpAddress server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  friend auto operator<=>(const Flow&, const Flow&) = default;
};

// Where a connection was at some time, as its client had it: the next byte that each side would send.
struct Sequences {
  std::uint32_t server = 0;
  std::uint32_t client = 0;
  friend auto operator<=>(const Sequences&, const Sequences&) = default;
};

struct SampledFlow {
  Flow flow;
  std::optional<Sequences> at;  // nothing: not known
  friend auto operator<=>(const SampledFlow&, const SampledFlow&) = default;
};

}  // namespace tandem
