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
#include "base/socket_address.hpp"
#include "vip/segment.hpp"

namespace tandem::vip {

namespace {
constexpr std::size_t segments_a_step = 256;  // about a millisecond
}

Tickle::Tickle() {
  volleys_[0].rounds = limits::tickle_rounds_blind;
  volleys_[0].round_ms = limits::tickle_blind_ms;
  volleys_[1].rounds = limits::tickle_rounds_sampled;
  volleys_[1].round_ms = limits::tickle_sampled_ms;
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

void Tickle::begin(std::vector<SampledFlow> flows, Steady now) {
  for (Volley& volley : volleys_) {
    volley.flows.clear();
    volley.next = 0;
    volley.round = 0;
    volley.round_at = now;
  }
  for (SampledFlow& flow : flows) volleys_[flow.at ? 1 : 0].flows.push_back(flow);
}

std::optional<Steady> Tickle::step(Steady now, const Ours& ours) {
  std::optional<Steady> next;
  for (Volley& volley : volleys_) {
    const std::optional<Steady> at = v4_ < 0 ? std::nullopt : step(volley, now, ours);
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

std::optional<Steady> Tickle::step(Volley& volley, Steady now, const Ours& ours) const {
  if (volley.flows.empty() || volley.round == volley.rounds) return std::nullopt;
  if (now < volley.round_at) return volley.round_at;
  if (volley.next == 0) volley.ours = ours();
  const std::size_t end = std::min(volley.flows.size(), volley.next + segments_a_step);
  for (; volley.next < end; ++volley.next) {
    const SampledFlow& one = volley.flows[volley.next];
    if (!std::binary_search(volley.ours.begin(), volley.ours.end(), one.flow)) send(one);
  }
  if (volley.next < volley.flows.size()) return now.plus_ms(1);
  volley.next = 0;
  if (++volley.round == volley.rounds) return std::nullopt;
  volley.round_at = now.plus_ms(volley.round_ms);
  return volley.round_at;
}

// What the kernel does not take now is lost; there are more rounds.
void Tickle::send(const SampledFlow& sampled) const {
  const ByteBuffer segment = tickle_segment(sampled);
  const Flow& flow = sampled.flow;
  const SocketAddress to = socket_address(flow.client);
  static_cast<void>(::sendto(flow.client.v6 ? v6_ : v4_, segment.data(), segment.size(), 0, to.generic(), to.size));
}

}  // namespace tandem::vip
