// What a loser's tail says (RECONCILE), in words that mean the same to the winner: client ids and topics, never session
// numbers. Facts cross the link between the boxes and stand in Reconciled records, so their bytes are a format
// (docs/formats.md) and come from outside: decode_fact() refuses whatever it does not know.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/record.hpp"

namespace tandem::core {

// DO NOT CHANGE OR REUSE A NUMBER.
enum class FactKind : std::uint8_t {
  published = 1,
  released = 2,
  subscribed = 3,
  unsubscribed = 4,
  connected = 5,
  disconnected = 6,
  session_ended = 7,
  will_fired = 8,
  queue_left = 9,
  end = 10,
  missing = 11,
  held = 12,
  queued = 13,
};

// The shared group's member that the loser chose.
struct GroupFact {
  std::string_view filter;  // whole
  std::string_view client;  // empty: one that the record does not name (a transient session)
  bool waiting = false;     // it has not had the message: its queue still held it at the tail's end
};

// Which clients' plain subscriptions a message is for, beside those that match.
struct Audience {
  bool only = false;  // false: everyone but `clients`, who had it at the loser; true: `clients` only
  std::vector<std::string_view> clients;  // ascending
};

struct PublishedFact {
  std::string_view publisher;    // empty: not durable, unknown
  std::uint16_t packet_id = 0;   // QoS 2 of a durable publisher; 0: none
  bool released = false;         // its PUBREL is in the tail, too
  std::optional<Instant> after;  // when a PUBREL with that id ended an earlier flow within the tail
  MessageView message;           // published_at: the origin's time
  Audience audience;
  std::vector<GroupFact> groups;
};

struct ReleasedFact {
  std::string_view client;
  std::uint16_t packet_id = 0;
};

struct SubscribedFact {
  std::string_view client;
  std::uint32_t identifier = 0;
  std::vector<SubscriptionFact> subscriptions;
};

struct UnsubscribedFact {
  std::string_view client;
  std::vector<std::string_view> filters;
};

// The session numbers in `record` are the loser's.
struct ConnectedFact {
  Connected record;
};

struct DisconnectedFact {
  Disconnected record;
};

struct SessionEndedFact {
  std::string_view client;
};

struct WillFiredFact {
  std::string_view client;
  std::optional<MessageView> message;  // if the will was set within the tail
  Audience audience;
  std::vector<GroupFact> groups;
};

// At the tail's end: what the client's queue still held of the messages that both lineages have (id <= common).
struct QueueLeftFact {
  struct Range {
    std::uint64_t first = 0;  // message ids, first <= last; ascending
    std::uint64_t last = 0;
  };
  // QoS 2: the client has sent PUBREC, so that only the PUBREL is open. The packet id follows from the position, which
  // both lineages share.
  struct Place {
    std::uint64_t position = 0;
    std::uint64_t id = 0;
  };
  std::string_view client;
  Lsn common;
  std::vector<Range> ids;
  std::vector<Place> received;  // of `ids`; by position

  bool holds(std::uint64_t id) const;
  bool was_received(std::uint64_t position, std::uint64_t id) const;
};

// All of the tail has been merged.
struct EndFact {};

// --- of a loser whose log does not go back to the fork: what its State at the tail's end knows (state_tail.hpp)

// Log time of what State tells of sessions: nobody knows when it changed. Whatever the winner did since the fork is
// newer; a will that is not told stays as the winner has it.
inline constexpr Instant time_of_state{};

// These records (the loser's) are not in the log any more. What State knows of them follows, the log behind it.
struct MissingFact {
  Lsn first;
  Lsn last;
};

// All inbound QoS 2 packet ids of the session between PUBLISH and PUBREL.
struct HeldFact {
  std::string_view client;
  std::vector<std::uint16_t> packet_ids;  // ascending
};

// A message that waits in these clients' queues, whatever they are subscribed to now.
struct QueuedFact {
  struct Place {
    std::string_view client;
    mqtt::Qos qos = mqtt::Qos::at_least_once;  // granted; 1 or 2
    bool retain = false;                       // RETAIN as it is delivered
    std::vector<std::uint32_t> identifiers;
  };
  MessageView message;         // published_at: the origin's time; retain: it is the retained message of its topic
  std::vector<Place> clients;  // ascending; one may be there more than once
};

struct MergeFact {
  ByteView bytes;  // all of it, as encoded
  std::variant<PublishedFact, ReleasedFact, SubscribedFact, UnsubscribedFact, ConnectedFact, DisconnectedFact,
               SessionEndedFact, WillFiredFact, QueueLeftFact, EndFact, MissingFact, HeldFact, QueuedFact>
      body;

  FactKind kind() const { return static_cast<FactKind>(body.index() + 1); }
};

// Appends; `fact.bytes` is not looked at.
void encode_fact(const MergeFact& fact, ByteBuffer& out);
// The fact borrows from `bytes`, which hold nothing else. Costs memory in proportion to them.
Result<MergeFact> decode_fact(ByteView bytes);

}  // namespace tandem::core
