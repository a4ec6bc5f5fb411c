// The addresses of this box, and arithmetic of networks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/flow.hpp"

namespace tandem::cli {

struct Network {  // an address and how many bits of it are the network
  IpAddress address;
  int prefix = 0;

  // Is `other` in the network that this address is in?
  bool holds(const Network& other) const;
};

// "192.0.2.10/24" or "fd00::10/64"; without a prefix all bits.
std::optional<Network> parse_network(const std::string& text);

struct OwnAddress {
  std::string interface;
  std::string text;  // without prefix
  Network network;
};

// Interfaces without an address are there with an empty text.
std::vector<OwnAddress> own_addresses();

}  // namespace tandem::cli
