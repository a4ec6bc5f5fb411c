// Where the clients' connections are in their TCP sequences, learned from what the clients send (AF_PACKET,
// CAP_NET_RAW): the segments that begin with a CONNECT or a PINGREQ. An idle client sends nothing else. A hint.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/flow.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace tandem::vip {

// Of an IP packet that begins with its header; nothing unless it is such a segment. `flow.server` is this box.
std::optional<SampledFlow> sample_of(ByteView packet);

class SequenceSamples {
 public:
  // Of connections to these ports. Error: no packet socket; what is missing.
  static Result<std::unique_ptr<SequenceSamples>> open(std::vector<std::uint16_t> ports);
  ~SequenceSamples();
  SequenceSamples(const SequenceSamples&) = delete;
  SequenceSamples& operator=(const SequenceSamples&) = delete;

  const std::vector<int>& fds() const { return fds_; }  // readable: read()
  void read(Steady now);
  std::optional<Sequences> of(const Flow& flow) const;
  // `open`: all connections there are, sorted. The others are forgotten, but not at once: they may not be accepted yet.
  void keep(const std::vector<Flow>& open, Steady now);

 private:
  struct Sample {
    Sequences at;
    Steady when;
  };
  explicit SequenceSamples(std::vector<std::uint16_t> ports) : ports_(std::move(ports)) {}

  std::vector<int> fds_;
  const std::vector<std::uint16_t> ports_;
  std::map<Flow, Sample> samples_;
};

}  // namespace tandem::vip
