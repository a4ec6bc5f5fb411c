// The header of the PROXY protocol, and a client's bytes behind it.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "edge/proxy_header.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

namespace {

using edge::ProxiedClient;
using edge::ProxyHeader;

struct Outcome {
  ProxyHeader::State state = ProxyHeader::State::incomplete;
  std::size_t used = 0;
  std::optional<ProxiedClient> client;
  std::string problem;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(ByteView bytes, std::size_t piece_bytes) {
  ProxyHeader header;
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size() && header.state() == ProxyHeader::State::incomplete; at += piece_bytes) {
    const ByteView piece = bytes.substr(at, piece_bytes);
    const std::size_t used = header.take(piece);
    CHECK(used <= piece.size());
    CHECK(used == piece.size() || header.state() != ProxyHeader::State::incomplete);
    outcome.used += used;
  }
  outcome.state = header.state();
  outcome.client = header.client();
  outcome.problem = header.problem();
  return outcome;
}

}  // namespace

void examine_proxy(ByteView input) {
  ByteReader reader(input);
  const std::size_t piece_bytes = 1 + reader.u8() % 32U;
  const ByteView bytes = reader.rest();
  const Outcome whole = outcome_of(bytes, std::max<std::size_t>(bytes.size(), 1));
  CHECK(outcome_of(bytes, piece_bytes) == whole);
  CHECK(whole.used <= limits::max_proxy_header_bytes);
  CHECK(whole.problem.empty() == (whole.state != ProxyHeader::State::malformed));
  CHECK(!whole.client || whole.state != ProxyHeader::State::malformed);
  if (whole.state != ProxyHeader::State::whole) return;
  // What it says of itself is what counts: the same bytes alone say the same.
  CHECK(outcome_of(bytes.substr(0, whole.used), whole.used) == whole);
}

}  // namespace tandem::fuzz
