#include "vip/address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstring>

namespace tandem::vip {

bool address_present(const std::string& address) {
  const std::string bare = address.substr(0, address.find('/'));
  in_addr v4{};
  in6_addr v6{};
  const bool is_v4 = ::inet_pton(AF_INET, bare.c_str(), &v4) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, bare.c_str(), &v6) != 1) return false;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  bool found = false;
  for (const ifaddrs* one = list; one != nullptr && !found; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    if (is_v4 && one->ifa_addr->sa_family == AF_INET) {
      sockaddr_in have{};
      std::memcpy(&have, one->ifa_addr, sizeof have);
      found = have.sin_addr.s_addr == v4.s_addr;
    } else if (!is_v4 && one->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 have{};
      std::memcpy(&have, one->ifa_addr, sizeof have);
      found = std::memcmp(&have.sin6_addr, &v6, sizeof v6) == 0;
    }
  }
  ::freeifaddrs(list);
  return found;
}

}  // namespace tandem::vip
