// apply: make it so. The only writer of State; deterministic; cannot fail. Everything that the outside may see comes
// back as effects; on a standby and at replay no session has a connection, so none arise.
#pragma once

#include "core/effects.hpp"
#include "core/record.hpp"
#include "core/state.hpp"

namespace tandem::core {

// `lsn`: the record's own; 0 for a fact that concerns transient sessions only and is in no log.
// `time`: log time of its batch. `effects` is appended to; its `current` and `time` are set.
struct Applying {
  State& state;
  std::uint64_t lsn = 0;
  Instant time;
  Effects& effects;
};

void apply(Applying& to, const EpochBegan& record);
// `connection` of the client on the active; invalid elsewhere.
void apply(Applying& to, const Connected& record, ConnectionId connection);
void apply(Applying& to, const Disconnected& record);
// `packet_id` and `reasons` (one a filter of the client's packet) make the SUBACK on the active; 0: no SUBACK.
void apply(Applying& to, const Subscribed& record, std::uint16_t packet_id, const std::vector<mqtt::Reason>& reasons);
void apply(Applying& to, const Unsubscribed& record, std::uint16_t packet_id, const std::vector<mqtt::Reason>& reasons);
// `packet_id` of the publisher's packet, for its PUBACK or PUBREC; 0: no ack.
void apply(Applying& to, const Published& record, std::uint16_t packet_id);
void apply(Applying& to, const Released& record);
void apply(Applying& to, const Acked& record);
void apply(Applying& to, const WillFired& record);
void apply(Applying& to, const SessionEnded& record);
void apply(Applying& to, const RetainedExpired& record);
void apply(Applying& to, const Reconciled& record);
void apply(Applying& to, const HandedOn& record);
void apply(Applying& to, const UserSet& record);
void apply(Applying& to, const UserRemoved& record);
void apply(Applying& to, const RulesSet& record);

// As read from a log or the mirror: no client is involved.
void apply(Applying& to, const Record& record);

// How long a will waits for its client when a reign begins, or when it comes over from another lineage
// (docs/constants.md): max(will delay, 1.5 x keep-alive); without keep-alive the given grace (0: 60 s) counts.
std::int64_t will_grace_ms(const Will& will, std::uint32_t without_keep_alive_s);

// What a CONNECT says about a session, whether or not its client is there.
void take_header(Session& session, const Connected& record);

// Writes as much of the session's queue as its window allows (delivery.cpp).
void pull(Applying& to, Session& session);

// One message on its way to many sessions. Queues of durable sessions share `durable`, those of transient ones share
// `transient`: a transient session must not keep a durable message alive, or the boxes would differ. Both are made at
// need.
struct Outgoing {
  MessageView view;
  const Message* source = nullptr;  // what effects point to; nullptr: Effects::current
  MessageRef durable;
  MessageRef transient;
};

// How one session gets it. Subscription identifiers are a range of Effects::identifiers.
struct Delivery {
  mqtt::Qos qos = mqtt::Qos::at_most_once;
  bool retain = false;
  std::uint32_t list_begin = 0;
  std::uint32_t list_count = 0;
  std::uint16_t group = 0;  // of the shared subscription that gives it (QueueEntry::group)
};

// Puts the message into the session's queue, or on its connection.
void deliver(Applying& to, Session& session, Outgoing& message, const Delivery& delivery);
// Puts a QoS 1 message that the session need not keep, because it is a clean one, into its window. 0: it has to go by
// deliver(); else its packet id: it is to be written now.
std::uint16_t send_unkept(Session& session);
// The client's PUBACK for it. False: it is for another message, or others wait for its place: decide and apply.
bool finish_unkept(Session& session, std::uint16_t packet_id);
// To the chosen member of a shared group, as its subscription has it; nobody: it is gone.
void deliver_to_member(Applying& to, const SharedPick& pick, Outgoing& message);
// To every target of the match except by No Local to `publisher`, and to the picked members.
void fan_out(Applying& to, const Match& match, const std::vector<SharedPick>& picks, SessionId publisher,
             Outgoing& message);

}  // namespace tandem::core
