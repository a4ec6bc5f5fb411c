#include "vip/reach.hpp"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/limits.hpp"
#include "base/socket_address.hpp"
#include "vip/checksum.hpp"

namespace tandem::vip {

namespace {

constexpr std::size_t checksum_at = 2;  // in the ICMP header
constexpr std::size_t ipv4_least_header_bytes = 20;

// The kernel fills in ICMPv6's checksum, which covers the addresses.
ByteBuffer echo_request(bool v6, std::uint16_t echo_id) {
  ByteBuffer request;
  ByteWriter(request).u8(v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO).u8(0).u16_be(0).u16_be(echo_id).u16_be(0);
  if (v6) return request;
  const std::uint16_t sum = checksum(request);
  request[checksum_at] = static_cast<char>(sum >> 8U);
  request[checksum_at + 1] = static_cast<char>(sum & 0xFFU);
  return request;
}

// A raw IPv4 socket delivers the IP header, too.
ByteView behind_ipv4_header(ByteView packet) {
  if (packet.size() < ipv4_least_header_bytes) return {};
  const std::size_t header_bytes = (static_cast<unsigned char>(packet[0]) & 0x0FU) * 4U;
  return packet.substr(std::min(header_bytes, packet.size()));
}

}  // namespace

Result<std::unique_ptr<Reach>> Reach::open(const std::vector<std::string>& hosts, std::uint16_t echo_id) {
  std::unique_ptr<Reach> reach(new Reach);
  reach->echo_id_ = echo_id;
  for (const std::string& host : hosts) {
    const std::optional<IpAddress> address = parse_address(host);
    if (!address) return Error{"\"" + host + "\" is no IP address"};
    reach->hosts_.push_back(*address);
    int& fd = address->v6 ? reach->v6_ : reach->v4_;
    if (fd >= 0) continue;
    fd = ::socket(address->v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP));
    if (fd < 0) {
      return Error{std::string("takeover.reach cannot be asked: no raw socket (") + std::strerror(errno) +
                   "). Give tandemd CAP_NET_RAW"};
    }
  }
  return reach;
}

Reach::~Reach() {
  if (v4_ >= 0) ::close(v4_);
  if (v6_ >= 0) ::close(v6_);
}

bool Reach::somebody(Steady now) {
  take_answers(now);
  if (!asked_ || now.ms - asked_at_.ms >= limits::reach_ask_ms) {
    asked_ = true;
    asked_at_ = now;
    for (const IpAddress& host : hosts_) ask(host);
  }
  return answered_ && now.ms - answered_at_.ms < limits::reach_silent_ms;
}

// What cannot be sent (no route, no cable) gets no answer.
void Reach::ask(const IpAddress& host) const {
  const ByteBuffer request = echo_request(host.v6, echo_id_);
  const SocketAddress to = socket_address(host);
  static_cast<void>(::sendto(host.v6 ? v6_ : v4_, request.data(), request.size(), 0, to.generic(), to.size));
}

void Reach::take_answers(Steady now) {
  std::array<char, 256> bytes{};
  for (const int fd : {v4_, v6_}) {
    while (fd >= 0) {
      SocketAddress from;
      const ssize_t n = ::recvfrom(fd, bytes.data(), bytes.size(), 0, from.generic(), &from.size);
      if (n < 0) break;
      const ByteView packet(bytes.data(), static_cast<std::size_t>(n));
      const IpAddress address = ip_of(from);
      if (!answers(address.v6 ? packet : behind_ipv4_header(packet), address)) continue;
      answered_ = true;
      answered_at_ = now;
    }
  }
}

// These sockets get every ICMP message that comes to this box.
bool Reach::answers(ByteView message, const IpAddress& from) const {
  ByteReader in(message);
  const std::uint8_t type = in.u8();
  in.u8();      // code
  in.u16_be();  // checksum: the kernel has looked at it
  if (in.u16_be() != echo_id_ || !in.ok()) return false;
  return type == (from.v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
         std::find(hosts_.begin(), hosts_.end(), from) != hosts_.end();
}

}  // namespace tandem::vip
