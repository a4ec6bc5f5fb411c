// Messages in and acks back; subscriptions and the retained messages that they bring.
#include "core/apply.hpp"
#include "core/retained_walk.hpp"

namespace tandem::core {

namespace {

Session* find(const State& state, SessionId id, Session* hint) {
  return hint != nullptr ? hint : state.session(id);
}

void add_ack(Applying& to, const Session& session, mqtt::Type type, std::uint16_t packet_id, mqtt::Reason reason) {
  if (!session.connection.valid()) return;
  Effect& effect = to.effects.list.emplace_back();
  effect.to = session.connection;
  effect.kind = EffectKind::ack;
  effect.ack_type = type;
  effect.packet_id = packet_id;
  effect.reason = reason;
}

void add_list_ack(Applying& to, const Session& session, EffectKind kind, std::uint16_t packet_id,
                  const std::vector<mqtt::Reason>& reasons) {
  if (packet_id == 0 || !session.connection.valid()) return;
  Effect& effect = to.effects.list.emplace_back();
  effect.to = session.connection;
  effect.kind = kind;
  effect.packet_id = packet_id;
  effect.list_begin = static_cast<std::uint32_t>(to.effects.reasons.size());
  effect.list_count = static_cast<std::uint32_t>(reasons.size());
  to.effects.reasons.insert(to.effects.reasons.end(), reasons.begin(), reasons.end());
}

void deliver_one_retained(Applying& to, Session& session, const Subscription& subscription, const Retained& retained) {
  Outgoing message;
  message.view = retained.message->view();
  if (message.view.expired(to.time)) return;
  if (!to.state.access().may(Right::read, {session.username, session.client_id}, message.view.topic)) return;  // T-47
  message.source = retained.message.get();
  message.durable = retained.message;
  Delivery delivery;
  delivery.qos = std::min(subscription.options.qos, message.view.qos);
  delivery.retain = true;  // whatever the subscription's options say (U-16)
  delivery.list_begin = static_cast<std::uint32_t>(to.effects.identifiers.size());
  delivery.list_count = subscription.identifier != 0 ? 1 : 0;
  if (subscription.identifier != 0) to.effects.identifiers.push_back(subscription.identifier);
  deliver(to, session, message, delivery);
}

// Retained messages for a new subscription, by topic.
void deliver_retained(Applying& to, Session& session, const Subscription& subscription) {
  const std::string_view filter = subscription.filter;
  const std::string_view prefix = filter.substr(0, filter.find_first_of("+#"));
  if (prefix.size() == filter.size()) {
    const RetainedTable::Entry* const exact = to.state.retained_at(filter);
    if (exact != nullptr) deliver_one_retained(to, session, subscription, exact->second);
    return;
  }
  if (filter.size() == prefix.size() + 1 && filter.ends_with("/#")) {  // "a/#" matches "a" too, which sorts before "a/"
    const RetainedTable::Entry* const parent = to.state.retained_at(prefix.substr(0, prefix.size() - 1));
    if (parent != nullptr) deliver_one_retained(to, session, subscription, parent->second);
  }
  walk_matching(to.state.retained(), filter,
                [&](const auto& entry) { deliver_one_retained(to, session, subscription, entry.second); });
}

}  // namespace

void apply(Applying& to, const Published& record, std::uint16_t packet_id) {
  Session* publisher = find(to.state, record.publisher, record.from);
  MessageView message = record.message;
  message.published_at = to.time;
  to.effects.current = message;
  to.effects.time = to.time;
  if (publisher != nullptr && message.qos == mqtt::Qos::exactly_once && record.held_id != 0) {
    to.state.hold_id(*publisher, record.held_id);
  }
  const Match& match = record.match != nullptr ? *record.match : to.state.routing().match(message.topic);
  if (publisher != nullptr && packet_id != 0) {
    const bool nobody = match.targets.empty() && record.picks.empty();
    add_ack(to, *publisher, message.qos == mqtt::Qos::at_least_once ? mqtt::Type::puback : mqtt::Type::pubrec,
            packet_id, nobody ? mqtt::Reason::no_matching_subscribers : mqtt::Reason::success);
  }
  Outgoing outgoing;
  outgoing.view = message;
  if (message.retain) {  // [MQTT5-3.3.1-5..-7]
    if (!message.payload.empty()) outgoing.durable = to.state.make_message(message, to.lsn);
    to.state.set_retained(message.topic, outgoing.durable);
  }
  fan_out(to, match, record.picks, record.publisher, outgoing);
  if (message.bytes() < limits::large_packet_bytes) return;
  to.effects.stored = std::move(outgoing.durable ? outgoing.durable : outgoing.transient);
}

void apply(Applying& to, const Released& record) {
  Session* session = find(to.state, record.session, record.from);
  if (session == nullptr) return;
  const bool held = to.state.release_id(*session, record.packet_id);
  add_ack(to, *session, mqtt::Type::pubcomp, record.packet_id,
          held ? mqtt::Reason::success : mqtt::Reason::packet_identifier_not_found);
}

void apply(Applying& to, const Acked& record) {
  Session* session = find(to.state, record.session, record.from);
  Sequence sequence = record.at;
  if (session == nullptr || (record.from == nullptr && !session->queue.find(record.packet_id, sequence))) return;
  to.effects.time = to.time;
  // decide_ack saw to it; a record of another lineage (reconcile) may not fit.
  const QueueEntry& entry = session->queue.at(sequence);
  if (!entry.in_flight) return;
  if (record.type == mqtt::Type::pubrec && !record.refused) {
    if (entry.qos != 2 || entry.released) return;
    to.state.release_entry(*session, sequence);
    add_ack(to, *session, mqtt::Type::pubrel, record.packet_id, mqtt::Reason::success);
    return;
  }
  to.state.finish_entry(*session, sequence);
  if (session->connected) pull(to, *session);
}

void apply(Applying& to, const Subscribed& record, std::uint16_t packet_id, const std::vector<mqtt::Reason>& reasons) {
  Session* session = to.state.session(record.session);
  if (session == nullptr) return;
  to.effects.time = to.time;
  add_list_ack(to, *session, EffectKind::suback, packet_id, reasons);
  for (const SubscriptionFact& fact : record.subscriptions) {
    bool existed = false;
    const Subscription& subscription =
        to.state.put_subscription(*session, fact.filter, fact.options, record.subscription_identifier, existed);
    const bool wanted = fact.options.retain_handling == mqtt::RetainHandling::always ||
                        (fact.options.retain_handling == mqtt::RetainHandling::if_new && !existed);
    if (wanted && !subscription.shared()) deliver_retained(to, *session, subscription);
  }
}

void apply(Applying& to, const Unsubscribed& record, std::uint16_t packet_id,
           const std::vector<mqtt::Reason>& reasons) {
  Session* session = to.state.session(record.session);
  if (session == nullptr) return;
  for (const std::string_view filter : record.filters) to.state.remove_subscription(*session, filter);
  add_list_ack(to, *session, EffectKind::unsuback, packet_id, reasons);
}

void apply(Applying& to, const RetainedExpired& record) {
  to.state.set_retained(record.topic, MessageRef{});
}

void apply(Applying& to, const Record& record) {
  static const std::vector<mqtt::Reason> no_reasons;
  struct Visitor {
    Applying& to;
    void operator()(const EpochBegan& r) const { apply(to, r); }
    void operator()(const Connected& r) const { apply(to, r, ConnectionId{}); }
    void operator()(const Disconnected& r) const { apply(to, r); }
    void operator()(const Subscribed& r) const { apply(to, r, 0, no_reasons); }
    void operator()(const Unsubscribed& r) const { apply(to, r, 0, no_reasons); }
    void operator()(const Published& r) const { apply(to, r, 0); }
    void operator()(const Released& r) const { apply(to, r); }
    void operator()(const Acked& r) const { apply(to, r); }
    void operator()(const WillFired& r) const { apply(to, r); }
    void operator()(const SessionEnded& r) const { apply(to, r); }
    void operator()(const RetainedExpired& r) const { apply(to, r); }
    void operator()(const Reconciled& r) const { apply(to, r); }
    void operator()(const HandedOn& r) const { apply(to, r); }
    void operator()(const UserSet& r) const { apply(to, r); }
    void operator()(const UserRemoved& r) const { apply(to, r); }
    void operator()(const RulesSet& r) const { apply(to, r); }
  };
  std::visit(Visitor{to}, record);
}

}  // namespace tandem::core
