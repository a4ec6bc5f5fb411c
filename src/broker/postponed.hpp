// PUBLISH packets whose bytes are made later: their connection has been given as much as it may have. So a
// client that reads slowly costs references to messages that others have, too, instead of a copy of each.
//
// Invariants: while one packet of a connection waits here, all that come after it do (or are dropped, at QoS 0); they
// leave in the order in which they came, each when its record is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
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
  bool copied = false;  // the message, to wait here; else State holds it anyway
};

class Postponed {
 public:
  bool any(ConnectionId id) const { return !by_slot_.empty() && waits(id); }

  void add(ConnectionId id, PostponedPublish packet) { of(id).packets.push_back(std::move(packet)); }
  // QoS 0 has bounds: in number, and in bytes of what was copied. False: it is not taken.
  bool add_qos0(ConnectionId id, PostponedPublish packet);

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
        of.drop_front();
      }
      next_slot_ = at->first + 1;
      at = to == nullptr || of.packets.empty() ? by_slot_.erase(at) : std::next(at);
    }
    return !goes_on && !by_slot_.empty();
  }
  void clear() { by_slot_.clear(); }

 private:
  struct Of {
    ConnectionId connection;
    std::deque<PostponedPublish> packets;
    std::size_t qos0_packets = 0;
    std::size_t qos0_copied_bytes = 0;

    void drop_front();
  };

  bool waits(ConnectionId id) const;
  Of& of(ConnectionId id);

  std::map<std::uint32_t, Of> by_slot_;
  std::uint32_t next_slot_ = 0;
};

}  // namespace tandem::broker
