#include "base/flow.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "base/hash.hpp"

namespace tandem {

std::uint64_t host_key(const IpAddress& address) {
  return hash64(address.view().substr(0, address.v6 ? 8 : 4));
}

IpAddress read_address(ByteReader& in, bool v6) {
  IpAddress address;
  address.v6 = v6;
  const ByteView bytes = in.bytes(address.size());
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

std::optional<IpAddress> parse_address(const std::string& text) {
  const std::string bare = text.substr(0, text.find('/'));
  IpAddress address;
  if (::inet_pton(AF_INET, bare.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (::inet_pton(AF_INET6, bare.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

}  // namespace tandem
