// PUBLISH packets whose bytes are made later: their connection has been given as much as it may have. So a
// client that reads slowly costs references to messages that others have, too, instead of a copy of each.
//
// Invariants: while one packet of a connection waits here, all that come after it do (or are dropped, at QoS 0); they
// leave in the order in which they came, each when its record is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "core/shared_messages.hpp"
#include "edge/connections.hpp"

namespace tandem::broker {

struct PostponedPublish {
  core::SharedMessage message;
  std::vector<std::uint32_t> subscription_identifiers;
  Lsn lsn;  // of the record that caused it; 0: none
  std::uint16_t packet_id = 0;
  mqtt::Qos qos = mqtt::Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  bool live = false;  // published to a subscription that there was; else retained, for a new one
};

class Postponed {
 public:
  // `max_retained_bytes`: of messages that wait for one connection.
  explicit Postponed(std::size_t max_retained_bytes = limits::max_retained_bytes)
      : max_retained_bytes_(max_retained_bytes) {}

  bool any(ConnectionId id) const { return !by_slot_.empty() && known(id) != nullptr; }

  void add(ConnectionId id, PostponedPublish packet);
  // QoS 0 has bounds: in number, and in bytes of what is live and of what was retained. False: it is not taken.
  bool add_qos0(ConnectionId id, PostponedPublish packet);
  // The client has acknowledged it, sent or not: it need not come any more, and may not come behind a PUBREL.
  void acknowledged(ConnectionId id, std::uint16_t packet_id) {
    if (!by_slot_.empty()) drop(id, packet_id);
  }

  // What may leave, a connection after the other from where the last call stopped: `has_room(connection)` is asked
  // before each `write(connection, packet)`, which says whether there may be more in this turn. True: there was no more
  // time for all.
  template <class HasRoom, class Write>
  bool leave(const edge::Connections& connections, Lsn safe, HasRoom has_room, Write write) {
    auto at = by_slot_.lower_bound(next_slot_);
    bool goes_on = true;
    for (std::size_t left = by_slot_.size(); goes_on && left > 0; --left) {
      if (at == by_slot_.end()) at = by_slot_.begin();
      Of& of = at->second;
      edge::Connection* const to = connections.find(of.connection);
      while (goes_on && to != nullptr && !of.packets.empty() && of.packets.front().lsn <= safe && has_room(*to)) {
        goes_on = write(*to, of.packets.front());
        of.remove(of.packets.begin());
      }
      next_slot_ = at->first + 1;
      at = to == nullptr || of.packets.empty() ? by_slot_.erase(at) : std::next(at);
    }
    return !goes_on && !by_slot_.empty();
  }
  void clear() { by_slot_.clear(); }

 private:
  using Packets = std::list<PostponedPublish>;
  struct Of {
    ConnectionId connection;
    Packets packets;
    std::unordered_map<std::uint16_t, Packets::iterator> by_packet_id;  // QoS 1 and 2
    std::size_t qos0_packets = 0;
    std::size_t live_bytes = 0;      // of QoS 0
    std::size_t retained_bytes = 0;  // of QoS 0

    void remove(Packets::iterator packet);
  };

  const Of* known(ConnectionId id) const;
  Of& of(ConnectionId id);
  void drop(ConnectionId id, std::uint16_t packet_id);

  std::size_t max_retained_bytes_;
  std::map<std::uint32_t, Of> by_slot_;
  std::uint32_t next_slot_ = 0;
};

}  // namespace tandem::broker
