#include "base/flow.hpp"

#include <arpa/inet.h>

namespace tandem {

std::optional<IpAddress> parse_address(const std::string& text) {
  const std::string bare = text.substr(0, text.find('/'));
  IpAddress address;
  if (::inet_pton(AF_INET, bare.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (::inet_pton(AF_INET6, bare.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

}  // namespace tandem
