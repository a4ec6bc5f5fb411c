#include "vip/announce.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bytes.hpp"

namespace tandem::vip {

namespace {

constexpr std::size_t mac_bytes = 6;
constexpr std::uint16_t ethertype_ipv4 = 0x0800;
constexpr std::uint16_t ethertype_arp = 0x0806;

struct Place {
  unsigned index = 0;  // of the interface; 0: the address is on none
  ByteBuffer mac;
};

bool same(const ifaddrs& one, const IpAddress& address) {
  if (one.ifa_addr == nullptr || one.ifa_addr->sa_family != (address.v6 ? AF_INET6 : AF_INET)) return false;
  const void* have = address.v6
                         ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(one.ifa_addr)->sin6_addr)
                         : &reinterpret_cast<const sockaddr_in*>(one.ifa_addr)->sin_addr;
  return std::memcmp(have, address.bytes.data(), address.size()) == 0;
}

Place find(const IpAddress& address) {
  Place place;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return place;
  std::string name;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (same(*one, address)) name = one->ifa_name;
  }
  for (const ifaddrs* one = list; one != nullptr && !name.empty(); one = one->ifa_next) {
    if (name != one->ifa_name || one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_PACKET) continue;
    const auto* link = reinterpret_cast<const sockaddr_ll*>(one->ifa_addr);
    place.mac.assign(reinterpret_cast<const char*>(link->sll_addr), mac_bytes);
    place.index = static_cast<unsigned>(link->sll_ifindex);
  }
  ::freeifaddrs(list);
  return place;
}

Error cannot(const char* what) {
  return Error{std::string(what) + " cannot be sent: " + std::strerror(errno)};
}

Status announce_v4(const IpAddress& address, const Place& place) {
  ByteBuffer request;
  ByteWriter(request).u16_be(ARPHRD_ETHER).u16_be(ethertype_ipv4).u8(mac_bytes).u8(4).u16_be(ARPOP_REQUEST);
  request += place.mac;
  request += address.view();
  request.append(mac_bytes, '\0');
  request += address.view();
  const int fd = ::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot("gratuitous ARP");
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ethertype_arp);
  to.sll_halen = mac_bytes;
  to.sll_ifindex = static_cast<int>(place.index);
  std::memset(to.sll_addr, 0xFF, mac_bytes);
  const ssize_t sent =
      ::sendto(fd, request.data(), request.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  const Status status = sent < 0 ? Status(cannot("gratuitous ARP")) : Status();
  ::close(fd);
  return status;
}

// RFC 4861, 4.4: override, with the target's link-layer address. The kernel fills in the checksum.
Status announce_v6(const IpAddress& address, const Place& place) {
  ByteBuffer message;
  ByteWriter(message).u8(ND_NEIGHBOR_ADVERT).u8(0).u16_be(0).u32_be(0x20000000);
  message += address.view();
  ByteWriter(message).u8(ND_OPT_TARGET_LINKADDR).u8(1);
  message += place.mac;
  const int fd = ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
  if (fd < 0) return cannot("neighbour advertisement");
  const int hops = 255;
  const int index = static_cast<int>(place.index);
  sockaddr_in6 from{};
  from.sin6_family = AF_INET6;
  std::memcpy(&from.sin6_addr, address.bytes.data(), 16);
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_scope_id = place.index;
  ::inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
  const bool ready = ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == 0 &&
                     ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) == 0 &&
                     ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0;
  const bool sent = ready && ::sendto(fd, message.data(), message.size(), MSG_DONTWAIT,
                                      reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
  const Status status = sent ? Status() : Status(cannot("neighbour advertisement"));
  ::close(fd);
  return status;
}

}  // namespace

Status announce(const IpAddress& address) {
  const Place place = find(address);
  if (place.index == 0) return Error{"the address is on no interface of this box"};
  return address.v6 ? announce_v6(address, place) : announce_v4(address, place);
}

}  // namespace tandem::vip
