// From one message to many queues: fan-out, the window, and what is written when.
#include <algorithm>

#include "core/apply.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

namespace {

// [MQTT5-3.1.2-25]: a message that the client cannot take counts as delivered.
bool too_large(const Session& session, const MessageView& message, std::size_t identifiers) {
  if (session.max_packet_bytes == 0xFFFFFFFF) return false;
  mqtt::PublishParts parts;
  parts.topic = message.topic;
  parts.properties = message.properties;
  parts.payload = message.payload;
  parts.qos = mqtt::Qos::at_least_once;
  if (message.expiry_s != no_expiry) parts.message_expiry_s = message.expiry_s;
  return mqtt::publish_size(parts, session.version) + identifiers * 5 > session.max_packet_bytes;
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

void attach_identifiers(Applying& to, Effect& effect, const std::vector<std::uint32_t>& identifiers) {
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

// Writes the entry at the cursor, which is neither done nor expired.
void write_entry(Applying& to, Session& session, Sequence sequence) {
  const QueueEntry& entry = session.queue.at(sequence);
  if (entry.released) {
    write_release(to, session, sequence);
    return;
  }
  if (!session.connection.valid()) return;
  Effect& effect = add_publish(to, session, entry.message.get(), static_cast<mqtt::Qos>(entry.qos), entry.retain);
  effect.dup = entry.sent;
  effect.packet_id = Queue::packet_id(sequence);
  if (const auto* identifiers = session.queue.identifiers(sequence)) attach_identifiers(to, effect, *identifiers);
}

bool queue_full(const Session& session, std::size_t bytes) {
  return session.queue.waiting() >= session.max_queue_messages ||
         (session.queue.waiting() != 0 && session.queue.bytes() + bytes > session.max_queue_bytes);
}

void deliver_at_most_once(Applying& to, const Session& session, const Outgoing& message, const Delivery& delivery) {
  if (!session.connection.valid() || too_large(session, message.view, delivery.identifiers.size())) return;
  Effect& effect = add_publish(to, session, message.source, mqtt::Qos::at_most_once, delivery.retain);
  if (!delivery.identifiers.empty()) attach_identifiers(to, effect, delivery.identifiers);
}

// Written from the packet itself: a transient session never sends it again, so it need not be kept.
void deliver_unkept(Applying& to, Session& session, const Outgoing& message, const Delivery& delivery) {
  QueueEntry entry;
  entry.qos = static_cast<std::uint8_t>(delivery.qos);
  entry.retain = delivery.retain;
  const Sequence sequence = to.state.enqueue(session, std::move(entry), {});
  Effect& effect = add_publish(to, session, message.source, delivery.qos, delivery.retain);
  effect.packet_id = Queue::packet_id(sequence);
  if (!delivery.identifiers.empty()) attach_identifiers(to, effect, delivery.identifiers);
  to.state.send_at_cursor(session);
}

// What overlapping subscriptions of one session make of a message; false: nothing (No Local).
bool combine(const Target& target, const Match& match, SessionId publisher, const MessageView& message,
             Delivery& delivery) {
  bool any = false;
  unsigned qos = 0;
  delivery.retain = false;
  delivery.identifiers.clear();
  for (std::uint32_t i = 0; i <= target.others_count; ++i) {
    const Subscription& s = i == 0 ? *target.first : *match.others[target.others_begin + i - 1];
    if (s.options.no_local && publisher == target.session->id) continue;
    any = true;
    qos = std::max(qos, static_cast<unsigned>(s.options.qos));
    delivery.retain = delivery.retain || (s.options.retain_as_published && message.retain);
    if (s.identifier != 0) delivery.identifiers.push_back(s.identifier);
  }
  delivery.qos = static_cast<mqtt::Qos>(std::min(qos, static_cast<unsigned>(message.qos)));
  return any;
}

}  // namespace

void pull(Applying& to, Session& session) {
  while (session.queue.cursor() < session.queue.tail() && session.queue.window_open(session.receive_maximum)) {
    const Sequence sequence = session.queue.cursor();
    const QueueEntry& entry = session.queue.at(sequence);
    // [MQTT5-3.3.2-5], [MQTT5-4.3.3-7]: only what was never sent can expire.
    const bool gone = entry.done || (!entry.sent && entry.message && entry.message->view().expired(to.time));
    const auto* identifiers = session.queue.identifiers(sequence);
    if (gone || (!entry.released && entry.message &&
                 too_large(session, entry.message->view(), identifiers == nullptr ? 0 : identifiers->size()))) {
      to.state.skip_at_cursor(session);
      continue;
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
  if (!session.durable && queue.waiting() == 0 && queue.window_open(session.receive_maximum) &&
      !too_large(session, message.view, delivery.identifiers.size())) {
    deliver_unkept(to, session, message, delivery);
    return;
  }
  if (queue_full(session, message.view.bytes())) {
    to.state.count_drop(session);
    return;
  }
  MessageRef& kept = session.durable ? message.durable : message.transient;
  if (!kept) kept = to.state.make_message(message.view, session.durable ? to.lsn : 0);
  QueueEntry entry;
  entry.message = kept;
  entry.qos = static_cast<std::uint8_t>(delivery.qos);
  entry.retain = delivery.retain;
  to.state.enqueue(session, std::move(entry), delivery.identifiers);
  if (session.connected) pull(to, session);
}

void fan_out(Applying& to, const Match& match, const std::vector<SharedPick>& picks, SessionId publisher,
             Outgoing& message) {
  Delivery delivery;
  for (const Target& target : match.targets) {
    if (combine(target, match, publisher, message.view, delivery)) deliver(to, *target.session, message, delivery);
  }
  for (const SharedPick& pick : picks) {
    Session* session = to.state.session(pick.session);
    if (session == nullptr) continue;
    const auto found = session->subscriptions.find(pick.filter);
    if (found == session->subscriptions.end()) continue;
    const Subscription& s = found->second;
    delivery.qos = std::min(s.options.qos, message.view.qos);
    delivery.retain = s.options.retain_as_published && message.view.retain;
    delivery.identifiers.clear();
    if (s.identifier != 0) delivery.identifiers.push_back(s.identifier);
    deliver(to, *session, message, delivery);
  }
}

}  // namespace tandem::core
