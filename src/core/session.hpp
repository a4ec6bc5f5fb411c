// An MQTT session as State keeps it. Durable sessions are replicated; transient ones (clean, or expiry 0) live on the
// active only and never influence durable State.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "core/change_mark.hpp"
#include "core/queue.hpp"
#include "core/record.hpp"
#include "mqtt/packet.hpp"

namespace tandem::core {

inline constexpr std::uint32_t never_expires = 0xFFFFFFFF;

// The topic that a client published to last: publishers seldom change theirs, and this spares a look-up by text.
struct Match;  // match.hpp
struct RecentMatch {
  Match* match = nullptr;
  std::uint64_t stamp = 0;  // valid while the match bears the same
  // May the client publish to it, as of this count of AccessRules::changes()? 0: nobody has asked.
  std::uint32_t write_asked_in = 0;
  bool may_write = false;
};

struct Session;

struct Subscription {
  Session* session = nullptr;
  std::string_view filter;  // whole; the key of Session::subscriptions
  mqtt::SubscriptionOptions options;
  std::uint32_t identifier = 0;  // 0: none
  std::uint64_t joined = 0;      // order of joining, for shared groups
  std::uint16_t group = 0;       // short name of a shared one; 0: not shared
  ChangeMark mark;

  // Routing's: where it is linked in the index.
  std::uint32_t node = 0;
  Subscription* next = nullptr;  // of those with the same filter, in no order
  Subscription* previous = nullptr;

  bool shared() const { return group != 0; }
};

struct Session {
  SessionId id = 0;
  std::uint64_t mixed_id = 0;  // mix64(id): the digest's bucket and seed, ready for the hot path
  std::string client_id;
  std::string username;
  bool durable = false;
  bool connected = false;
  mqtt::Version version = mqtt::Version::v311;
  std::uint16_t keep_alive_s = 0;
  std::uint32_t expiry_s = 0;
  Instant expires_at;  // meaningful while disconnected and expiry_s != never_expires
  std::uint16_t receive_maximum = 0;
  std::uint32_t max_packet_bytes = 0xFFFFFFFF;
  std::uint32_t max_queue_messages = 0;
  std::uint64_t max_queue_bytes = 0;
  QueuePolicy queue_policy = QueuePolicy::drop_newest;
  Queue queue;
  std::vector<std::uint16_t> held_ids;  // inbound QoS 2 ids between PUBLISH and PUBREL, sorted
  std::map<std::string, Subscription, std::less<>> subscriptions;  // by whole filter

  ConnectionId connection;          // this active's; never in an image or digest
  RecentMatch recent;               // likewise
  std::size_t connected_place = 0;  // likewise: in State's list
  std::uint32_t met_in = 0;         // likewise: the last reign in which its client was here
  // Likewise; set when its client comes for the first time in a reign. QoS 2 ids of entries before this sequence that
  // this lineage has never sent may be held by the client from another one (a split): they are released before they are
  // used.
  Sequence strange_until = 0;
  std::uint64_t dropped = 0;              // messages dropped at a full queue; for status only
  ChangeMark mark;                        // of the header
  std::vector<ChangeMark> segment_marks;  // of queue segments from `first_segment` on
  std::uint64_t first_segment = 0;

  bool holds(std::uint16_t packet_id) const;
  // [MQTT5-4.1.0-2]: disconnected for longer than it was to live.
  bool ended_by(Instant now) const { return !connected && expiry_s != never_expires && expires_at <= now; }
};

}  // namespace tandem::core
