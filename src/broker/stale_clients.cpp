#include "broker/stale_clients.hpp"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "broker/client_flows.hpp"
#include "vip/announce.hpp"

namespace tandem::broker {

StaleClients::StaleClients(boost::asio::io_context& loop, const Config& config, Clocks& clocks, Events& events,
                           Doors& doors)
    : vips_(virtual_ips(config)), clocks_(clocks), events_(events), doors_(doors), timer_(loop), announce_timer_(loop) {
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.socket.empty()) ports_.push_back(listener.port);
  }
}

Status StaleClients::open() {
  if (vips_.empty()) return {};
  if (Status opened = tickle_.open(); !opened.ok()) return opened;
  Result<std::unique_ptr<vip::SequenceSamples>> samples = vip::SequenceSamples::open(ports_);
  if (!samples.ok()) return samples.error();
  samples_ = samples.take();
  return {};
}

std::vector<int> StaleClients::fds() const {
  return samples_ ? samples_->fds() : std::vector<int>{};
}

void StaleClients::read() {
  samples_->read(clocks_.steady());
}

std::vector<SampledFlow> StaleClients::sampled(const std::vector<Flow>& flows) {
  std::vector<SampledFlow> all;
  for (const Flow& flow : flows) all.push_back({flow, samples_ ? samples_->of(flow) : std::nullopt});
  if (samples_) samples_->keep(flows, clocks_.steady());
  return all;
}

void StaleClients::took_over(const std::vector<SampledFlow>& stale) {
  announce(limits::announce_rounds);
  if (!stale.empty()) {
    events_.event(Level::info, "vip",
                  "Resetting " + std::to_string(stale.size()) + " connections that the other box served.");
  }
  tickle_.begin(stale, clocks_.steady());
  tickle_on();
}

// Again and again: a client that has missed it sends its answer to the box that is gone.
void StaleClients::announce(int rounds) {
  for (const IpAddress& address : vips_) {
    const Status told = vip::announce(address);
    if (told.ok() || rounds != limits::announce_rounds) continue;
    events_.event(Level::warn, "vip", "The LAN is not told of the takeover: " + told.error().message);
  }
  if (rounds == 1) return;
  announce_timer_.expires_after(std::chrono::milliseconds(limits::announce_ms));
  announce_timer_.async_wait([this, rounds](const boost::system::error_code& error) {
    if (!error) announce(rounds - 1);
  });
}

void StaleClients::tickle_on() {
  const Steady now = clocks_.steady();
  const std::optional<Steady> next = tickle_.step(now, [this] { return flows_to(doors_.connections(), vips_); });
  if (!next) return;
  timer_.expires_after(std::chrono::milliseconds(next->ms - now.ms));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tickle_on();
  });
}

}  // namespace tandem::broker
