// Strong types for the positions and names that every floor passes around.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem {

// Position of a record in the log. The first record has lsn 1; 0 means "before everything".
struct Lsn {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const Lsn&, const Lsn&) = default;
  constexpr Lsn next() const { return Lsn{value + 1}; }
  constexpr Lsn plus(std::uint64_t n) const { return Lsn{value + n}; }
};

// The first eight bytes of a node's name, big-endian, so that ids order as the names do.
// Two names may share an id: nothing may rely on it alone (an Epoch also carries the store).
struct NodeId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const NodeId&, const NodeId&) = default;
};

constexpr NodeId node_id_from_name(std::string_view name) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    value = (value << 8) | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
  }
  return NodeId{value};
}

// One reign. Grows at every promotion, never goes down in one store, is never reused: `store` is drawn at random
// when the store is made, so that a replaced disk cannot take a (number, node) that was used before (docs/roles.md).
struct Epoch {
  std::uint64_t number = 0;
  NodeId node;
  std::uint64_t store = 0;
  friend constexpr auto operator<=>(const Epoch&, const Epoch&) = default;
};

// A point in log time: milliseconds since 1970-01-01 UTC. Log time is an input, never read from a clock by the core.
struct Instant {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  constexpr Instant plus_ms(std::int64_t delta_ms) const { return Instant{ms + delta_ms}; }
};

// A point on this machine's CLOCK_BOOTTIME in milliseconds: leases, silence, deadlines. Never sent to the peer.
struct Steady {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(const Steady&, const Steady&) = default;
  constexpr Steady plus_ms(std::int64_t delta_ms) const { return Steady{ms + delta_ms}; }
};

// One TCP connection of a client. `generation` makes a reused slot a different connection; a held effect with a stale
// generation is dropped. Slot 0 generation 0 is "no connection".
struct ConnectionId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend constexpr auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
  constexpr bool valid() const { return generation != 0; }
};

}  // namespace tandem
