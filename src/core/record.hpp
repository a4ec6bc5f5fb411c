// The records: facts that change State. Plain structs; text and bytes borrow from the packet or the batch that they
// came from. DO NOT CHANGE OR REUSE A KIND'S NUMBER: it is on disk and on the wire (docs/formats.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "core/access_rules.hpp"
#include "core/message.hpp"
#include "core/queue_policy.hpp"
#include "mqtt/packet.hpp"

namespace tandem::core {

// Durable sessions count from 1; a transient session (this active's only, never in a record) has the top bit set.
using SessionId = std::uint64_t;
inline constexpr SessionId transient_bit = SessionId{1} << 63;

enum class RecordKind : std::uint8_t {
  epoch_began = 1,
  connected = 2,
  disconnected = 3,
  subscribed = 4,
  unsubscribed = 5,
  published = 6,
  released = 7,
  acked = 8,
  will_fired = 9,
  session_ended = 10,
  retained_expired = 11,
  reconciled = 12,
  handed_on = 13,  // feature level 2
  user_set = 14,   // likewise, and what follows
  user_removed = 15,
  rules_set = 16,
};

// First record of a reign: nobody is connected; expiry and will-grace clocks start at its time.
struct EpochBegan {
  Epoch epoch;
  std::uint32_t will_grace_s = 0;  // of clients without keep-alive; 0: 60 s. Others: max(will delay, 1.5 x keep-alive)
};

struct WillView {
  MessageView message;
  std::uint32_t delay_s = 0;
};

// A CONNECT was accepted. Recorded if the session is durable, if an older durable session of that client ends by it, or
// if there is a will now or was one before.
struct Connected {
  std::string_view client_id;
  std::string_view username;
  bool durable = false;  // the session outlives the connection
  bool clean_start = false;
  mqtt::Version version = mqtt::Version::v311;
  std::uint16_t keep_alive_s = 0;
  std::uint32_t session_expiry_s = 0;
  std::uint16_t receive_maximum = 0;  // what the client takes, or our limit for 3.x
  std::uint32_t max_packet_bytes = 0xFFFFFFFF;
  std::uint32_t max_queue_messages = 0;  // limits in force, so that both boxes drop alike
  std::uint64_t max_queue_bytes = 0;
  QueuePolicy queue_policy = QueuePolicy::drop_newest;  // another one is of feature level 2
  // What the active saw, so that whoever has only a part of the log can tell sessions apart; apply looks for itself.
  bool resumed = false;   // `session` is an older one
  SessionId session = 0;  // that this client now has; 0: a transient one, or none
  SessionId ended = 0;    // durable one that ends by it; 0: none
  std::optional<WillView> will;
};

// A connection ended. Recorded if the session is durable or has a will.
struct Disconnected {
  std::string_view client_id;
  bool keep_will = true;
  std::optional<std::uint32_t> session_expiry_s;  // changed by DISCONNECT
};

struct SubscriptionFact {
  std::string_view filter;  // whole, with $share/group/
  mqtt::SubscriptionOptions options;
};

struct Subscribed {
  SessionId session = 0;
  std::uint32_t subscription_identifier = 0;  // 0: none
  std::vector<SubscriptionFact> subscriptions;
};

struct Unsubscribed {
  SessionId session = 0;
  std::vector<std::string_view> filters;
};

// The member that the active chose for a shared subscription.
struct SharedPick {
  SessionId session = 0;
  std::string_view filter;  // whole
};

// Hints: the active's own look-ups, so that apply need not repeat them; never encoded.
struct Match;    // match.hpp
struct Session;  // session.hpp

// A PUBLISH was taken. Recorded if it is retained, if a durable session gets it with QoS > 0, or if a durable
// publisher's QoS 2 id is held by it.
struct Published {
  SessionId publisher = 0;    // for No Local and the held id; 0: unknown
  std::uint16_t held_id = 0;  // QoS 2 of a durable publisher: its packet id, held until PUBREL
  MessageView message;
  std::vector<SharedPick> picks;  // one a group at most; groups without a pick deliver to nobody
  const Match* match = nullptr;   // hint
  Session* from = nullptr;        // hint: the publisher
};

// PUBREL of an inbound QoS 2 message.
struct Released {
  SessionId session = 0;
  std::uint16_t packet_id = 0;
  Session* from = nullptr;  // hint
};

// PUBACK, PUBREC or PUBCOMP of an outbound message.
struct Acked {
  SessionId session = 0;
  std::uint16_t packet_id = 0;
  mqtt::Type type = mqtt::Type::puback;
  bool refused = false;     // reason code >= 0x80: ends the flow
  Session* from = nullptr;  // hint
  std::uint64_t at = 0;     // hint, with `from`: sequence of the entry
};

struct WillFired {
  std::string_view client_id;
  std::vector<SharedPick> picks;
};

struct SessionEnded {
  SessionId session = 0;
  std::string_view client_id;  // for whoever has only a part of the log
};

struct RetainedExpired {
  std::string_view topic;
};

// Names a fact of another lineage for ever: where it was first recorded. Facts of one epoch are ordered by (lsn,
// index).
struct Origin {
  Epoch epoch;
  Lsn lsn;
  Instant time;             // log time of that record
  std::uint32_t index = 0;  // 0: what the record itself says; more: what the tail's end adds (merge_fact.hpp)
};

// RECONCILE: a fact of a loser's tail, and what the winner made of it (reconcile.hpp). The decisions are in the record,
// since they come from the winner's own log since the fork, which no other reader has.
struct Reconciled {
  Origin origin;
  std::uint32_t outcome = 0;           // bits of MergeOutcome (reconcile.hpp)
  std::uint32_t will_grace_s = 0;      // as in EpochBegan
  std::vector<std::uint32_t> refused;  // places in the fact's list that are not taken over, ascending
  std::vector<SharedPick> picks;       // this lineage's sessions
  ByteView fact;                       // as encode_fact() made it; decode_record() has looked whether it can be read
};

// A message of a session that is about to end goes to another member of the shared group (hand_on.hpp).
struct HandedOn {
  SessionId from = 0;            // whose queue it leaves; 0: a transient session's: `message` is set
  std::uint64_t position = 0;    // there
  std::uint64_t message_id = 0;  // what stands there
  std::optional<MessageView> message;
  SharedPick to;  // a transient member is not named in the log: there the message only leaves the queue
};

// An operator, or a file that is followed, set a user: all of it.
struct UserSet {
  std::string_view name;
  std::string_view password_hash;
  std::string_view scram;
  std::vector<std::string_view> client_ids;
};

struct UserRemoved {
  std::string_view name;
};

struct RuleFact {
  Right right = Right::none;
  std::string_view filter;
};

// The same of the rules of one owner: all of them.
struct RulesSet {
  RuleOwner owner = RuleOwner::everyone;
  std::string_view name;  // of the user
  bool removed = false;   // there is no such set any more; else there is one, even if no rule is in it
  std::vector<RuleFact> rules;
};

using Record =
    std::variant<EpochBegan, Connected, Disconnected, Subscribed, Unsubscribed, Published, Released, Acked, WillFired,
                 SessionEnded, RetainedExpired, Reconciled, HandedOn, UserSet, UserRemoved, RulesSet>;

}  // namespace tandem::core
