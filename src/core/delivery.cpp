// From one message to many queues: fan-out, the window, and what is written when.
#include <algorithm>
#include <span>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "core/apply.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

namespace {

using Identifiers = std::span<const std::uint32_t>;

// [MQTT5-3.1.2-25]: a message that the client cannot take counts as delivered. Exact to the byte (T-14).
bool too_large(const Session& session, const MessageView& message, mqtt::Qos qos, Identifiers identifiers) {
  if (session.max_packet_bytes == 0xFFFFFFFF) return false;
  mqtt::PublishParts parts;
  parts.topic = message.topic;
  parts.properties = message.properties;
  parts.payload = message.payload;
  parts.qos = qos;
  parts.packet_id = qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : std::uint16_t{1};
  if (message.expiry_s != no_expiry) parts.message_expiry_s = message.expiry_s;
  parts.subscription_identifiers = identifiers.data();
  parts.subscription_identifier_count = identifiers.size();
  return mqtt::publish_size(parts, session.version) > session.max_packet_bytes;
}

Identifiers identifiers_of(const Applying& to, const Delivery& delivery) {
  return Identifiers(to.effects.identifiers).subspan(delivery.list_begin, delivery.list_count);
}

Effect& add_publish(Applying& to, const Session& session, const Message* message, mqtt::Qos qos, bool retain) {
  Effect& effect = to.effects.list.emplace_back();
  effect.to = session.connection;
  effect.kind = EffectKind::publish;
  effect.message = message;
  effect.qos = qos;
  effect.retain = retain;
  return effect;
}

void attach_identifiers(Applying& to, Effect& effect, Identifiers identifiers) {
  effect.list_begin = static_cast<std::uint32_t>(to.effects.identifiers.size());
  effect.list_count = static_cast<std::uint32_t>(identifiers.size());
  to.effects.identifiers.insert(to.effects.identifiers.end(), identifiers.begin(), identifiers.end());
}

void write_release(Applying& to, const Session& session, Sequence sequence) {
  if (!session.connection.valid()) return;
  Effect& effect = to.effects.list.emplace_back();
  effect.to = session.connection;
  effect.kind = EffectKind::ack;
  effect.ack_type = mqtt::Type::pubrel;
  effect.packet_id = Queue::packet_id(sequence);
}

// After a split a client may hold a packet id for a message of the other lineage, and would take ours for a repeat of
// that. PUBREL for an id that it does not hold is answered and means nothing.
void free_strange_id(Applying& to, const Session& session, Sequence sequence) {
  if (sequence < session.strange_until) write_release(to, session, sequence);
}

// Writes the entry at the cursor, which is neither done nor expired.
void write_entry(Applying& to, Session& session, Sequence sequence) {
  const QueueEntry& entry = session.queue.at(sequence);
  if (entry.released) {
    write_release(to, session, sequence);
    return;
  }
  if (!session.connection.valid()) return;
  if (entry.qos == 2 && !entry.sent) free_strange_id(to, session, sequence);
  Effect& effect = add_publish(to, session, entry.message.get(), static_cast<mqtt::Qos>(entry.qos), entry.retain);
  effect.dup = entry.sent;
  effect.packet_id = Queue::packet_id(sequence);
  attach_identifiers(to, effect, session.queue.identifiers(sequence));
}

bool fits_bytes(const Session& session, std::size_t bytes) {
  return session.queue.bytes() + bytes <= session.max_queue_bytes;
}

bool queue_full(const Session& session, std::size_t bytes) {
  return session.queue.waiting() >= session.max_queue_messages ||
         (session.queue.waiting() != 0 && !fits_bytes(session, bytes));
}

// The message is dropped.
void refuse(Applying& to, Session& session) {
  if (session.queue_policy == QueuePolicy::disconnect && session.connection.valid()) {
    to.effects.overflowed.push_back(session.connection);
  }
  to.state.count_drop(session);
}

// The queue is full: its policy. False: the message is dropped.
bool make_room(Applying& to, Session& session, std::size_t bytes) {
  if (session.queue_policy == QueuePolicy::drop_oldest) {
    const Queue& queue = session.queue;
    // What was sent before stays: a client may be in the middle of its flow.
    while (queue_full(session, bytes) && !queue.at(queue.cursor()).sent) {
      to.state.skip_at_cursor(session);
      to.state.count_drop(session);
    }
    if (!queue_full(session, bytes)) return true;
  }
  refuse(to, session);
  return false;
}

Effect& add_delivery(Applying& to, const Session& session, const Message* message, const Delivery& delivery) {
  Effect& effect = add_publish(to, session, message, delivery.qos, delivery.retain);
  effect.list_begin = delivery.list_begin;
  effect.list_count = delivery.list_count;
  return effect;
}

void deliver_at_most_once(Applying& to, const Session& session, const Outgoing& message, const Delivery& delivery) {
  if (!session.connection.valid()) return;
  if (too_large(session, message.view, mqtt::Qos::at_most_once, identifiers_of(to, delivery))) return;
  add_delivery(to, session, message.source, delivery);
}

// The copy that this session's queue keeps.
const MessageRef& kept_for(Applying& to, const Session& session, Outgoing& message) {
  if (!session.durable) {
    if (!message.transient) message.transient = to.state.make_message(message.view, 0);
    return message.transient;
  }
  if (!message.durable) {
    CHECK(to.lsn != 0);  // decide must have seen that a durable session is concerned
    message.durable = to.state.make_message(message.view, to.lsn);
  }
  return message.durable;
}

// A transient session's queue bounds what is in flight to its client, too, but for small messages. (A durable one's are
// kept anyway, and are bounded by the memory that there is: what its records mean on both boxes does not change.)
bool in_flight_full(const Session& session, std::size_t bytes) {
  return !session.durable && session.queue.in_flight() != 0 && bytes >= limits::counted_in_flight_bytes &&
         !fits_bytes(session, bytes);
}

// Nothing waits before it and the window is open: written without a detour. A transient session never sends it again,
// so it need not be kept; unless it counts, or another member of a shared group may get it, and then within the queue's
// bytes.
void deliver_at_once(Applying& to, Session& session, Outgoing& message, const Delivery& delivery) {
  QueueEntry entry;
  entry.qos = static_cast<std::uint8_t>(delivery.qos);
  entry.retain = delivery.retain;
  const bool may_go_on = delivery.group != 0 && fits_bytes(session, message.view.bytes());
  if (session.durable || may_go_on || message.view.bytes() >= limits::counted_in_flight_bytes) {
    entry.message = kept_for(to, session, message);
    entry.group = delivery.group;
  }
  const Identifiers identifiers = session.durable ? identifiers_of(to, delivery) : Identifiers();
  const Sequence sequence = to.state.enqueue_in_flight(session, std::move(entry), identifiers);
  if (!session.connection.valid()) return;
  if (delivery.qos == mqtt::Qos::exactly_once) free_strange_id(to, session, sequence);
  add_delivery(to, session, message.source, delivery).packet_id = Queue::packet_id(sequence);
}

// What overlapping subscriptions of one session make of a message; false: nothing (No Local).
bool combine(const Target& target, const Match& match, SessionId publisher, const MessageView& message,
             std::vector<std::uint32_t>& identifiers, Delivery& delivery) {
  bool any = false;
  unsigned qos = 0;
  delivery.retain = false;
  delivery.list_begin = static_cast<std::uint32_t>(identifiers.size());
  for (std::uint32_t i = 0; i <= target.others_count; ++i) {
    const Subscription& s = i == 0 ? *target.first : *match.others[target.others_begin + i - 1];
    if (s.options.no_local && publisher == target.session->id) continue;
    any = true;
    qos = std::max(qos, static_cast<unsigned>(s.options.qos));
    delivery.retain = delivery.retain || (s.options.retain_as_published && message.retain);
    if (s.identifier != 0) identifiers.push_back(s.identifier);
  }
  delivery.list_count = static_cast<std::uint32_t>(identifiers.size()) - delivery.list_begin;
  delivery.qos = static_cast<mqtt::Qos>(std::min(qos, static_cast<unsigned>(message.qos)));
  return any;
}

void fan_out_combined(Applying& to, const Match& match, SessionId publisher, Outgoing& message) {
  Delivery delivery;
  for (const Target& target : match.targets) {
    if (combine(target, match, publisher, message.view, to.effects.identifiers, delivery)) {
      deliver(to, *target.session, message, delivery);
    }
  }
}

}  // namespace

void pull(Applying& to, Session& session) {
  while (session.queue.cursor() < session.queue.tail() && session.queue.window_open(session.receive_maximum)) {
    const Sequence sequence = session.queue.cursor();
    const QueueEntry& entry = session.queue.at(sequence);
    if (!entry.released && entry.message) {
      const MessageView message = entry.message->view();
      // [MQTT5-3.3.2-5], [MQTT5-4.3.3-7]: only what was never sent can expire.
      if ((!entry.sent && message.expired(to.time)) ||
          too_large(session, message, static_cast<mqtt::Qos>(entry.qos), session.queue.identifiers(sequence))) {
        to.state.skip_at_cursor(session);
        continue;
      }
    }
    write_entry(to, session, sequence);
    to.state.send_at_cursor(session);
  }
}

void deliver(Applying& to, Session& session, Outgoing& message, const Delivery& delivery) {
  if (delivery.qos == mqtt::Qos::at_most_once) {
    deliver_at_most_once(to, session, message, delivery);
    return;
  }
  const Queue& queue = session.queue;
  if (session.connected && queue.waiting() == 0 && queue.window_open(session.receive_maximum) &&
      !too_large(session, message.view, delivery.qos, identifiers_of(to, delivery))) {
    if (in_flight_full(session, message.view.bytes())) return refuse(to, session);
    deliver_at_once(to, session, message, delivery);
    return;
  }
  if (queue_full(session, message.view.bytes()) && !make_room(to, session, message.view.bytes())) return;
  QueueEntry entry;
  entry.message = kept_for(to, session, message);
  entry.qos = static_cast<std::uint8_t>(delivery.qos);
  entry.retain = delivery.retain;
  entry.group = delivery.group;
  to.state.enqueue(session, std::move(entry), identifiers_of(to, delivery));
  if (session.connected) pull(to, session);
}

std::uint16_t send_unkept(Session& session) {
  Queue& queue = session.queue;
  if (session.durable || !session.connected || queue.waiting() != 0 || !queue.window_open(session.receive_maximum)) {
    return 0;
  }
  return Queue::packet_id(queue.push_unkept());
}

bool finish_unkept(Session& session, std::uint16_t packet_id) {
  return !session.durable && session.queue.waiting() == 0 && session.queue.finish_unkept(packet_id);
}

void deliver_to_member(Applying& to, const SharedPick& pick, Outgoing& message) {
  Session* session = to.state.session(pick.session);
  if (session == nullptr) return;
  const auto found = session->subscriptions.find(pick.filter);
  if (found == session->subscriptions.end()) return;
  const Subscription& s = found->second;
  Delivery delivery;
  delivery.qos = std::min(s.options.qos, message.view.qos);
  delivery.retain = s.options.retain_as_published && message.view.retain;
  delivery.list_begin = static_cast<std::uint32_t>(to.effects.identifiers.size());
  delivery.list_count = s.identifier != 0 ? 1 : 0;
  delivery.group = s.group;
  if (s.identifier != 0) to.effects.identifiers.push_back(s.identifier);
  deliver(to, *session, message, delivery);
}

void fan_out(Applying& to, const Match& match, const std::vector<SharedPick>& picks, SessionId publisher,
             Outgoing& message) {
  Delivery delivery;
  if (match.simple) {
    for (const Target& target : match.targets) {
      delivery.qos = std::min(target.first->options.qos, message.view.qos);
      deliver(to, *target.session, message, delivery);
    }
  } else {
    fan_out_combined(to, match, publisher, message);
  }
  for (const SharedPick& pick : picks) deliver_to_member(to, pick, message);
}

}  // namespace tandem::core
