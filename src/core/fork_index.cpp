// What a box has done since the fork.
#include "core/fork_index.hpp"

#include <algorithm>
#include <iterator>

namespace tandem::core {

namespace {
constexpr std::ptrdiff_t max_events = 16;  // of a packet id
}

void ForkIndex::newest(Change& change, Lsn lsn, Instant time) {
  if (lsn > change.lsn) change = {lsn, time};
}

void ForkIndex::learn(SessionId session, std::string_view client_id) {
  if (session == 0 || client_id.empty()) return;
  auto known = sessions_of_.find(client_id);
  if (known == sessions_of_.end()) known = sessions_of_.emplace(std::string(client_id), std::set<SessionId>{}).first;
  known->second.insert(session);
}

ForkIndex::OfSession& ForkIndex::of_session(SessionId session, const State& state) {
  const auto [at, added] = sessions_.try_emplace(session);
  const Session* present = added ? state.session(session) : nullptr;
  if (present != nullptr) learn(session, present->client_id);
  return at->second;
}

template <class Look>
void ForkIndex::each_session(std::string_view client_id, Look look) const {
  const auto known = sessions_of_.find(client_id);
  if (known == sessions_of_.end()) return;
  for (const SessionId id : known->second) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) look(found->second);
  }
}

void ForkIndex::note_event(Events& events, const Event& event) {
  const auto at = std::lower_bound(events.begin(), events.end(), event,
                                   [](const Event& a, const Event& b) { return a.change.lsn < b.change.lsn; });
  if (at != events.end() && at->change.lsn == event.change.lsn) return;
  events.insert(at, event);
  if (std::ssize(events) <= max_events) return;
  const auto middle = events.begin() + max_events / 2;
  events.erase(middle, middle + 2);  // a PUBLISH and its PUBREL as a rule
}

void ForkIndex::note(Lsn lsn, Instant time, const Published& record, const State& state) {
  if (lsn <= common_) return;
  if (record.held_id != 0 && record.publisher != 0 && (record.publisher & transient_bit) == 0) {
    note_event(of_session(record.publisher, state).packet_ids[record.held_id], {{lsn, time}, false});
  }
  if (!record.message.retain) return;
  const auto at = retained_.find(record.message.topic);
  newest(at != retained_.end() ? at->second : retained_[std::string(record.message.topic)], lsn, time);
}

void ForkIndex::note(Lsn lsn, Instant time, const Released& record, const State& state) {
  if (lsn <= common_) return;
  note_event(of_session(record.session, state).packet_ids[record.packet_id], {{lsn, time}, true});
}

void ForkIndex::take(Lsn lsn, Instant time, const Connected& record) {
  OfClient& client = clients_[std::string(record.client_id)];
  newest(client.session, lsn, time);
  if (!record.resumed) newest(client.anew, lsn, time);
  client.connected = true;
  if (record.session != 0 && !record.resumed) sessions_[record.session].begun_here = true;
  learn(record.session, record.client_id);
  learn(record.ended, record.client_id);
}

void ForkIndex::take(Lsn lsn, Instant time, const Subscribed& record, const State& state) {
  OfSession& session = of_session(record.session, state);
  for (const SubscriptionFact& fact : record.subscriptions) {
    newest(session.subscriptions[std::string(fact.filter)], lsn, time);
  }
}

void ForkIndex::take(Lsn lsn, Instant time, const Unsubscribed& record, const State& state) {
  OfSession& session = of_session(record.session, state);
  for (const std::string_view filter : record.filters) {
    newest(session.subscriptions[std::string(filter)], lsn, time);
  }
}

void ForkIndex::note(Lsn lsn, Instant time, const Record& record, const State& state) {
  if (lsn <= common_) return;
  if (const auto* published = std::get_if<Published>(&record)) {
    note(lsn, time, *published, state);
  } else if (const auto* released = std::get_if<Released>(&record)) {
    note(lsn, time, *released, state);
  } else if (const auto* connected = std::get_if<Connected>(&record)) {
    take(lsn, time, *connected);
  } else if (const auto* disconnected = std::get_if<Disconnected>(&record)) {
    newest(clients_[std::string(disconnected->client_id)].session, lsn, time);
  } else if (const auto* ended = std::get_if<SessionEnded>(&record)) {
    OfClient& client = clients_[std::string(ended->client_id)];
    newest(client.session, lsn, time);
    newest(client.anew, lsn, time);
    learn(ended->session, ended->client_id);
  } else if (const auto* subscribed = std::get_if<Subscribed>(&record)) {
    take(lsn, time, *subscribed, state);
  } else if (const auto* unsubscribed = std::get_if<Unsubscribed>(&record)) {
    take(lsn, time, *unsubscribed, state);
  }
}

const ForkIndex::Change* ForkIndex::retained(std::string_view topic) const {
  const auto found = retained_.find(topic);
  return found == retained_.end() ? nullptr : &found->second;
}

const ForkIndex::Change* ForkIndex::subscription(std::string_view client_id, std::string_view filter) const {
  const Change* newest_change = nullptr;
  each_session(client_id, [&](const OfSession& session) {
    const auto found = session.subscriptions.find(filter);
    if (found == session.subscriptions.end()) return;
    if (newest_change == nullptr || found->second.lsn > newest_change->lsn) newest_change = &found->second;
  });
  return newest_change;
}

const ForkIndex::Change* ForkIndex::session(std::string_view client_id) const {
  const auto found = clients_.find(client_id);
  return found == clients_.end() || found->second.session.lsn.value == 0 ? nullptr : &found->second.session;
}

const ForkIndex::Change* ForkIndex::session_anew(std::string_view client_id) const {
  const auto found = clients_.find(client_id);
  return found == clients_.end() || found->second.anew.lsn.value == 0 ? nullptr : &found->second.anew;
}

bool ForkIndex::connected(std::string_view client_id) const {
  const auto found = clients_.find(client_id);
  return found != clients_.end() && found->second.connected;
}

const ForkIndex::Events* ForkIndex::events(std::string_view client_id, std::uint16_t packet_id) const {
  const Events* all = nullptr;
  each_session(client_id, [&](const OfSession& session) {  // one at most is older than the fork
    const auto found = session.packet_ids.find(packet_id);
    if (!session.begun_here && found != session.packet_ids.end()) all = &found->second;
  });
  return all;
}

ForkIndex::Seen ForkIndex::seen(std::string_view client_id, std::uint16_t packet_id, Instant at,
                                std::optional<Instant> after) const {
  const Events* all = events(client_id, packet_id);
  if (all == nullptr) return Seen::nothing;
  bool open = false;     // a PUBLISH that has no PUBREL yet
  bool unknown = false;  // a PUBREL without a PUBLISH here
  for (const Event& event : *all) {
    if (after && event.change.time <= *after) continue;
    if (event.change.time >= at) return open || !event.release ? Seen::message : Seen::release;
    unknown = unknown || (event.release && !open);
    open = !event.release;
  }
  if (open) return Seen::message;
  return unknown ? Seen::release : Seen::nothing;
}

const ForkIndex::Change* ForkIndex::last_seen(std::string_view client_id, std::uint16_t packet_id) const {
  const Events* all = events(client_id, packet_id);
  return all == nullptr || all->empty() ? nullptr : &all->back().change;
}

}  // namespace tandem::core
