// decide: may it happen? Reads State, the client's packet and the policy; gives a record or a refusal; changes nothing
// (except look-up caches and the round robin of shared groups, which are not State).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/feature_level.hpp"
#include "base/limits.hpp"
#include "core/record.hpp"
#include "core/state.hpp"

namespace tandem::core {

// Limits and rules in force on this active. Those that apply needs go into the records.
struct Policy {
  bool allow_anonymous = false;  // clients come in without having proved who they are
  std::uint16_t receive_maximum = limits::receive_maximum;
  std::uint16_t v3_in_flight = limits::v3_in_flight;
  std::uint32_t max_packet_bytes = limits::max_packet_bytes;
  std::uint16_t topic_alias_maximum = limits::topic_alias_maximum;
  std::uint32_t max_queue_messages = limits::max_queue_messages;
  std::uint64_t max_queue_bytes = limits::max_queue_bytes;
  QueuePolicy queue_policy = QueuePolicy::drop_newest;
  std::size_t max_sessions = limits::max_sessions;
  std::size_t max_subscriptions_per_session = limits::max_subscriptions_per_session;
  std::size_t max_retained = limits::max_retained;
  std::size_t max_retained_bytes = limits::max_retained_bytes;
  std::uint32_t max_connections_per_user = 0;  // 0: no limit
  bool memory_full = false;                    // beyond limits.memory_mb: nothing more is to be kept
  std::uint32_t will_grace_s = 0;
  std::string response_prefix;                 // of Response Information; empty: none is given
  std::uint32_t common_level = feature_level;  // what the peer can read, too: nothing of a higher one is recorded
  std::uint32_t max_publishes_per_s = 0;       // taken from one client; 0: no limit
  std::uint16_t max_keep_alive_s = 0;          // of a 5.0 client, which can be told; 0: as it likes
};

struct ConnectVerdict {
  mqtt::Reason refusal = mqtt::Reason::success;
  Connected record;                 // borrows from the packet and from `generated_id`
  bool recorded = false;            // goes to the log; else it concerns this active only
  std::string generated_id;         // the client sent none
  bool shorter_keep_alive = false;  // the record's, not the client's own: it is to be told
  std::string response_topic;       // Response Information for a client that asks; empty: none
};

// `random_id`: 128 random bits in hex for a client without an id. `proven`: the user that the client has
// shown itself to be; the record borrows from it.
void decide_connect(const State& state, const Policy& policy, const mqtt::Connect& packet, std::string_view random_id,
                    Instant now, ConnectVerdict& verdict, std::optional<std::string_view> proven = std::nullopt);

// Must a connect or disconnect of this client go to the log?
bool touches_durable(const State& state, std::string_view client_id);

struct PublishVerdict {
  mqtt::Reason refusal = mqtt::Reason::success;  // answered by PUBACK/PUBREC, or dropped (QoS 0)
  bool duplicate = false;                        // QoS 2 id that is held already: PUBREC again, nothing else
  bool recorded = false;
  Published record;  // borrows from the packet and from `properties`
  ByteBuffer properties;
};

// `topic`: after alias resolution. Reuses `verdict`'s memory.
void decide_publish(State& state, const Policy& policy, Session& session, std::string_view topic,
                    const mqtt::Publish& packet, PublishVerdict& verdict);

// The member of a shared group whose turn it is, of those who may read the topic: connected ones with room first.
// nullptr: there is none but `except`.
Subscription* choose_member(const AccessRules& access, std::string_view topic, SharedGroup& group,
                            const Session* except = nullptr);
// One for each group of the match that has such a member.
void choose_members(const AccessRules& access, const Match& match, std::vector<SharedPick>& picks);

struct SubscribeVerdict {
  std::vector<mqtt::Reason> reasons;  // one a filter
  Subscribed record;
  bool protocol_error = false;  // No Local on a shared subscription ([MQTT5-3.8.3-4])
};

SubscribeVerdict decide_subscribe(const AccessRules& access, const Policy& policy, const Session& session,
                                  const mqtt::Subscribe& packet);

struct UnsubscribeVerdict {
  std::vector<mqtt::Reason> reasons;
  Unsubscribed record;
};

UnsubscribeVerdict decide_unsubscribe(const Session& session, const mqtt::Unsubscribe& packet);

// What an outbound message's ack means.
enum class AckMeaning : std::uint8_t {
  progress,        // make the record
  repeat_pubrel,   // PUBREC again: PUBREL again, no record (U-22)
  unknown_pubrec,  // PUBREL with 0x92 (U-22)
  nothing,         // unknown or out of order: ignored
};

// `at`: sequence of the entry, if there is progress.
AckMeaning decide_ack(const Session& session, const mqtt::Ack& packet, Sequence& at);

// The next record that time alone brings about; nullopt: nothing is due at `now`. The record borrows from `name`.
std::optional<Record> decide_due(State& state, Instant now, std::string& name);

}  // namespace tandem::core
