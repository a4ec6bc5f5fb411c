// The addresses of this box, and arithmetic of networks.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace tandem::cli {

struct Network {  // an address and how many bits of it are the network
  bool v6 = false;
  std::array<unsigned char, 16> bytes{};  // IPv4: the first four
  int prefix = 0;

  bool same_address(const Network& other) const { return v6 == other.v6 && bytes == other.bytes; }
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
