// Facts of another lineage become part of this one (RECONCILE). What was decided is in the record.
#include <algorithm>

#include "core/apply.hpp"
#include "core/merge_fact.hpp"
#include "core/reconcile.hpp"

namespace tandem::core {

namespace {

namespace outcome = merge_outcome;

class Merging {
 public:
  Merging(Applying& to, const Reconciled& record) : to_(to), record_(record) {}

  void operator()(const PublishedFact& fact) const {
    Session* publisher = to_.state.durable_session_of(fact.publisher);
    if (has(outcome::held) && publisher != nullptr) to_.state.hold_id(*publisher, fact.packet_id);
    distribute(fact.message, publisher, fact.audience);
  }

  void operator()(const ReleasedFact& fact) const {
    Session* session = to_.state.durable_session_of(fact.client);
    if (has(outcome::taken) && session != nullptr) to_.state.release_id(*session, fact.packet_id);
  }

  // Without the retained messages that a SUBSCRIBE brings.
  void operator()(const SubscribedFact& fact) const {
    Session* session = to_.state.durable_session_of(fact.client);
    if (session == nullptr) return;
    for (std::uint32_t i = 0; i < fact.subscriptions.size(); ++i) {
      bool existed = false;
      const SubscriptionFact& s = fact.subscriptions[i];
      if (!refused(i)) to_.state.put_subscription(*session, s.filter, s.options, fact.identifier, existed);
    }
  }

  void operator()(const UnsubscribedFact& fact) const {
    Session* session = to_.state.durable_session_of(fact.client);
    if (session == nullptr) return;
    for (std::uint32_t i = 0; i < fact.filters.size(); ++i) {
      if (!refused(i)) to_.state.remove_subscription(*session, fact.filters[i]);
    }
  }

  void operator()(const ConnectedFact& fact) const {
    if (has(outcome::taken)) take_session(fact.record);
    if (has(outcome::will)) take_will(fact.record);
  }

  void operator()(const DisconnectedFact& fact) const {
    const Disconnected& gone = fact.record;
    if (has(outcome::will)) to_.state.remove_will(std::string(gone.client_id));
    Session* session = to_.state.durable_session_of(gone.client_id);
    if (!has(outcome::taken) || session == nullptr || session->connected) return;
    const std::uint32_t expiry_s = gone.session_expiry_s.value_or(session->expiry_s);
    if (expiry_s == 0)
      to_.state.remove_session(*session);
    else
      live_on(*session, expiry_s);
  }

  void operator()(const SessionEndedFact& fact) const {
    Session* session = to_.state.durable_session_of(fact.client);
    if (has(outcome::taken) && session != nullptr && !session->connected) to_.state.remove_session(*session);
  }

  void operator()(const WillFiredFact& fact) const {
    MessageView message = fact.message.value_or(MessageView{});
    if (has(outcome::own_will)) {
      const auto kept = to_.state.wills().find(fact.client);
      if (kept == to_.state.wills().end()) return;
      to_.effects.keep = to_.state.make_message(kept->second.message->view(), 0);  // as in WillFired
      message = to_.effects.keep->view();
      to_.state.remove_will(std::string(fact.client));
    }
    distribute(message, to_.state.durable_session_of(fact.client), fact.audience);
  }

  void operator()(const QueueLeftFact& fact) const {
    Session* session = to_.state.durable_session_of(fact.client);
    if (!has(outcome::taken) || session == nullptr || session->connected) return;
    const Queue& queue = session->queue;
    for (Sequence s = queue.head(); s < queue.tail(); ++s) {
      if (s < queue.head()) continue;  // done, and the head has passed it
      const QueueEntry& entry = queue.at(s);
      if (entry.done || !entry.message || entry.message->id() > fact.common.value) continue;
      if (!fact.holds(entry.message->id()))
        to_.state.drop_entry(*session, s);
      else if (entry.qos == 2 && !entry.released && fact.was_received(s, entry.message->id()))
        to_.state.release_entry(*session, s);
    }
  }

  void operator()(const EndFact& /*fact*/) const {}
  void operator()(const MissingFact& /*fact*/) const {}

  void operator()(const HeldFact& fact) const {
    Session* session = to_.state.durable_session_of(fact.client);
    if (!has(outcome::taken) || session == nullptr) return;
    for (std::uint32_t i = 0; i < fact.packet_ids.size(); ++i) {
      if (!refused(i)) to_.state.hold_id(*session, fact.packet_ids[i]);
    }
    for (const std::uint32_t place : record_.refused) {
      if (place >= released_place) to_.state.release_id(*session, static_cast<std::uint16_t>(place - released_place));
    }
  }

  void operator()(const QueuedFact& fact) const {
    Outgoing outgoing = distribute(fact.message, nullptr, Audience{true, {}});
    if (!has(outcome::taken)) return;
    std::vector<std::uint32_t>& identifiers = to_.effects.identifiers;
    for (std::uint32_t i = 0; i < fact.clients.size(); ++i) {
      const QueuedFact::Place& place = fact.clients[i];
      Session* session = refused(i) ? nullptr : to_.state.durable_session_of(place.client);
      if (session == nullptr) continue;
      const Delivery delivery{place.qos, place.retain, static_cast<std::uint32_t>(identifiers.size()),
                              static_cast<std::uint32_t>(place.identifiers.size())};
      identifiers.insert(identifiers.end(), place.identifiers.begin(), place.identifiers.end());
      deliver(to_, *session, outgoing, delivery);
    }
  }

 private:
  bool has(std::uint32_t bit) const { return (record_.outcome & bit) != 0; }
  bool refused(std::uint32_t place) const {
    return std::binary_search(record_.refused.begin(), record_.refused.end(), place);
  }

  // Nobody is connected to a session that comes over: its clock starts now.
  void live_on(Session& session, std::uint32_t expiry_s) const {
    to_.state.edit_session(session, [&](Session& s) {
      s.expiry_s = expiry_s;
      s.expires_at = to_.time.plus_ms(std::int64_t{expiry_s} * 1000);
    });
  }

  void take_session(const Connected& connected) const {
    Session* session = to_.state.durable_session_of(connected.client_id);
    if (session != nullptr && session->connected) return;
    if (session != nullptr && !connected.resumed) {
      if (connected.clean_start || !connected.durable) {
        to_.state.remove_session(*session);
        session = nullptr;
      } else {  // the loser knew of none: what waits here is still the client's, but it has given up its QoS 2 flows
        while (!session->held_ids.empty()) to_.state.release_id(*session, session->held_ids.back());
      }
    }
    if (!connected.durable) return;
    if (session == nullptr) {
      if (to_.state.session_of(connected.client_id) != nullptr) return;
      session = &to_.state.add_session(to_.state.next_session_id(true), connected.client_id, true);
    }
    to_.state.edit_session(*session, [&](Session& s) { take_header(s, connected); });
    live_on(*session, connected.session_expiry_s);
  }

  void take_will(const Connected& connected) const {
    const std::string client_id(connected.client_id);
    if (!connected.will) {
      to_.state.remove_will(client_id);
      return;
    }
    Will will;
    will.message = to_.state.make_message(connected.will->message, to_.lsn);
    will.delay_s = connected.will->delay_s;
    will.keep_alive_s = connected.keep_alive_s;
    will.connected = false;
    will.grace = true;
    will.fires_at = to_.time.plus_ms(will_grace_ms(will, record_.will_grace_s));
    to_.state.set_will(client_id, std::move(will));
  }

  // A message reaches the durable sessions that have not had it; those that are only connected, if it is retained now.
  Outgoing distribute(MessageView message, const Session* publisher, const Audience& audience) const {
    message.published_at = record_.origin.time;
    to_.effects.current = message;
    Outgoing outgoing;
    outgoing.view = message;
    const bool retained = has(outcome::retained);
    if (retained) {
      if (!message.payload.empty()) outgoing.durable = to_.state.make_message(message, to_.lsn);
      to_.state.set_retained(message.topic, outgoing.durable);
    }
    if (message.qos == mqtt::Qos::at_most_once ? !retained : !has(outcome::taken)) return outgoing;
    const Match& match = to_.state.routing().match(message.topic);
    Match part;
    part.others = match.others;
    for (const Target& target : match.targets) {
      const Session& session = *target.session;
      if (!session.durable ? retained : has(outcome::taken) ? waits(audience, session.client_id) : session.connected) {
        part.targets.push_back(target);
      }
    }
    fan_out(to_, part, record_.picks, publisher != nullptr ? publisher->id : 0, outgoing);
    return outgoing;
  }

  static bool waits(const Audience& audience, std::string_view client) {
    return std::binary_search(audience.clients.begin(), audience.clients.end(), client) == audience.only;
  }

  Applying& to_;
  const Reconciled& record_;
};

void note_merged(State& state, const Origin& origin) {
  state.edit_globals([&](Globals& globals) {
    Merged& merged = globals.merged[origin.epoch];
    merged = std::max(merged, Merged{origin.lsn, origin.index});
    if (globals.merged.size() > max_merged_epochs) globals.merged.erase(globals.merged.begin());
  });
}

}  // namespace

void apply(Applying& to, const Reconciled& record) {
  const Result<MergeFact> fact = decode_fact(record.fact);
  if (!fact.ok()) return;  // decode_record() has refused such a record
  to.effects.time = to.time;
  std::visit(Merging(to, record), fact.value().body);
  note_merged(to.state, record.origin);
}

}  // namespace tandem::core
