#include "base/ip_network.hpp"

#include <charconv>

namespace tandem {

namespace {

// The first `bits` of an address.
IpAddress beginning_of(IpAddress address, unsigned bits) {
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    const auto first = static_cast<unsigned>(i * 8);
    if (bits >= first + 8) continue;
    const unsigned kept = bits > first ? bits - first : 0;
    address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xFF00U >> kept));
  }
  return address;
}

}  // namespace

bool IpNetwork::contains(const IpAddress& one) const {
  return one.v6 == address.v6 && beginning_of(one, prefix_bits) == beginning_of(address, prefix_bits);
}

std::optional<IpNetwork> parse_network(const std::string& text) {
  const std::optional<IpAddress> address = parse_address(text);
  if (!address) return std::nullopt;
  const auto most = static_cast<unsigned>(address->size() * 8);
  IpNetwork network{*address, most};
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return network;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + slash + 1, end, network.prefix_bits);
  if (error != std::errc{} || stopped != end || network.prefix_bits > most) return std::nullopt;
  if (beginning_of(*address, network.prefix_bits) != *address) return std::nullopt;
  return network;
}

}  // namespace tandem
