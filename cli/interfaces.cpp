// From the kernel (getifaddrs).
#include "cli/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <charconv>
#include <cstdint>
#include <cstring>

namespace tandem::cli {

bool Network::holds(const Network& other) const {
  if (address.v6 != other.address.v6) return false;
  for (int bit = 0; bit < prefix; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    if ((((address.bytes[at] ^ other.address.bytes[at]) >> (7 - bit % 8)) & 1) != 0) return false;
  }
  return true;
}

std::optional<Network> parse_network(const std::string& text) {
  const std::optional<IpAddress> address = parse_address(text);
  if (!address) return {};
  Network network{*address, 0};
  const int most = static_cast<int>(address->size()) * 8;
  network.prefix = most;
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return network;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, network.prefix);
  if (error != std::errc() || rest != end || network.prefix < 0 || network.prefix > most) return {};
  return network;
}

namespace {

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  return text;
}

int bits_of(const std::string& mask) {
  const std::optional<Network> parsed = parse_network(mask);
  int bits = 0;
  if (parsed) {
    for (const std::uint8_t byte : parsed->address.bytes) {
      for (unsigned rest = byte; rest != 0; rest >>= 1U) bits += static_cast<int>(rest & 1U);
    }
  }
  return bits;
}

}  // namespace

std::vector<OwnAddress> own_addresses() {
  std::vector<OwnAddress> all;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return all;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    OwnAddress found{one->ifa_name, one->ifa_addr == nullptr ? "" : text_of(one->ifa_addr), {}};
    if (!found.text.empty()) {
      found.network = parse_network(found.text).value_or(Network{});
      if (one->ifa_netmask != nullptr) found.network.prefix = bits_of(text_of(one->ifa_netmask));
    }
    all.push_back(std::move(found));
  }
  ::freeifaddrs(list);
  return all;
}

}  // namespace tandem::cli
