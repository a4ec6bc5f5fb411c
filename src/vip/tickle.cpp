#include "vip/tickle.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/socket_address.hpp"
#include "vip/segment.hpp"

namespace tandem::vip {

Tickle::~Tickle() {
  if (v4_ >= 0) ::close(v4_);
  if (v6_ >= 0) ::close(v6_);
}

// IPPROTO_RAW: the header is ours.
Status Tickle::open() {
  v4_ = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
  if (v4_ < 0) {
    return Error{std::string("no raw socket (") + std::strerror(errno) +
                 "): idle clients notice a takeover at the end of their keep-alive only. Give tandemd CAP_NET_RAW"};
  }
  v6_ = ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);  // none: no IPv6 on this machine
  return {};
}

std::optional<Steady> Tickle::step(Steady now, const TickleRounds::Ours& ours) {
  if (v4_ < 0) return std::nullopt;
  return rounds_.step(now, ours, [this](const SampledFlow& flow) { send(flow); });
}

// What the kernel does not take now is lost; there are more rounds.
void Tickle::send(const SampledFlow& sampled) const {
  const ByteBuffer segment = tickle_segment(sampled);
  const Flow& flow = sampled.flow;
  const SocketAddress to = socket_address(flow.client);
  static_cast<void>(::sendto(flow.client.v6 ? v6_ : v4_, segment.data(), segment.size(), 0, to.generic(), to.size));
}

}  // namespace tandem::vip
