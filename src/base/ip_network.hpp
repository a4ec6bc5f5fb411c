// A range of IP addresses, as people write it in a configuration.
#pragma once

#include <optional>
#include <string>

#include "base/flow.hpp"

namespace tandem {

struct IpNetwork {
  IpAddress address;
  unsigned prefix_bits = 0;  // how many of the address's first bits count; at most 32 or 128

  bool contains(const IpAddress& one) const;
  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;
};

// "192.0.2.7" (that one), "192.0.2.0/24", "fd00::/8". Nothing: it is none of these, or has bits set behind its prefix
// ("192.0.2.7/24": nobody knows which of the two was meant).
std::optional<IpNetwork> parse_network(const std::string& text);

}  // namespace tandem
