#include "vip/tickle.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "vip/segment.hpp"

namespace tandem::vip {

namespace {
constexpr std::size_t segments_a_step = 256;  // about a millisecond
}

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

void Tickle::begin(std::vector<Flow> flows, Steady now) {
  flows_ = std::move(flows);
  next_ = 0;
  round_ = 0;
  round_at_ = now;
}

std::optional<Steady> Tickle::step(Steady now, const std::vector<Flow>& ours) {
  if (v4_ < 0 || flows_.empty() || round_ == limits::tickle_rounds) return std::nullopt;
  if (now < round_at_) return round_at_;
  const std::size_t end = std::min(flows_.size(), next_ + segments_a_step);
  for (; next_ < end; ++next_) {
    if (!std::binary_search(ours.begin(), ours.end(), flows_[next_])) send(flows_[next_]);
  }
  if (next_ < flows_.size()) return now.plus_ms(1);
  next_ = 0;
  if (++round_ == limits::tickle_rounds) return std::nullopt;
  round_at_ = now.plus_ms(limits::tickle_round_ms);
  return round_at_;
}

// What the kernel does not take now is lost; there are more rounds.
void Tickle::send(const Flow& flow) const {
  const ByteBuffer segment = tickle_segment(flow);
  const auto give = [&segment](int fd, const auto& to) {
    static_cast<void>(
        ::sendto(fd, segment.data(), segment.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  };
  if (flow.client.v6) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    std::memcpy(&to.sin6_addr, flow.client.bytes.data(), flow.client.size());
    give(v6_, to);
  } else {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::memcpy(&to.sin_addr, flow.client.bytes.data(), flow.client.size());
    give(v4_, to);
  }
}

}  // namespace tandem::vip
