// The clients of a box that dies: where their connections are is known before, and after the takeover the LAN is told
// and they are reset (src/vip, docs/takeover.md).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "base/flow.hpp"
#include "broker/clocks.hpp"
#include "broker/config.hpp"
#include "broker/parts.hpp"
#include "vip/sequence_samples.hpp"
#include "vip/tickle.hpp"

namespace tandem::broker {

class StaleClients {
 public:
  StaleClients(boost::asio::io_context& loop, const Config& config, Clocks& clocks, Events& events, Doors& doors);

  Status open();  // nothing to do without virtual IPs. Error: what is missing, and what follows from that
  std::vector<int> fds() const;  // readable: read()
  void read();

  // Of connections of this box, sorted: where they are, as far as that is known.
  std::vector<SampledFlow> sampled(const std::vector<Flow>& flows);
  // Connections of the other box.
  void took_over(const std::vector<SampledFlow>& stale);

 private:
  void announce(int rounds);
  void tickle_on();

  const std::vector<IpAddress> vips_;
  std::vector<std::uint16_t> ports_;
  Clocks& clocks_;
  Events& events_;
  Doors& doors_;
  std::unique_ptr<vip::SequenceSamples> samples_;  // null: no virtual IP, or no right
  vip::Tickle tickle_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer announce_timer_;
};

}  // namespace tandem::broker
