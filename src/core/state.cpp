// Entities of State: sessions, subscriptions, retained messages, wills.
#include "core/state.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

State::State() : messages_(digest_, memory_), transient_messages_(memory_), routing_(access_) {
  digest_.add(Table::globals, 0, hash_of(globals_));
}

State::~State() {
  sessions_.clear();  // queues let go of their messages while the table is still here
  retained_.clear();
  wills_.clear();
}

Session* State::session(SessionId id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

Session* State::session_of(std::string_view client_id) const {
  const auto found = by_client_.find(client_id);
  return found == by_client_.end() ? nullptr : found->second;
}

Session* State::durable_session_of(std::string_view client_id) const {
  Session* session = session_of(client_id);
  return session != nullptr && session->durable ? session : nullptr;
}

MessageRef State::make_message(const MessageView& view, std::uint64_t id) {
  if (id == 0) return MessageRef(Message::create(view, 0, transient_messages_));
  return messages_.create(view, id);
}

// --- changes: touch before, digest around
// -----------------------------------------------------------------------------

void State::touch(Session& session) {
  if (!session.durable) return;
  if (note_change(session.mark, [&] { pending_copies_.session(session); })) changes_.sessions.push_back(session.id);
}

void State::touch(Subscription& subscription) {
  if (!subscription.session->durable) return;
  if (note_change(subscription.mark, [&] { pending_copies_.subscription(subscription); })) {
    changes_.subscriptions.emplace_back(subscription.session->id, subscription.filter);
  }
}

void State::touch_retained(const std::string& topic, Retained& retained) {
  if (note_change(retained.mark, [&] { pending_copies_.retained(topic, retained); }))
    changes_.retained.push_back(topic);
}

void State::touch_will(const std::string& client_id, Will& will) {
  if (note_change(will.mark, [&] { pending_copies_.will(client_id, will); })) changes_.wills.push_back(client_id);
}

void State::touch_globals() {
  if (note_change(globals_.mark, [&] { pending_copies_.globals(globals_); })) changes_.globals = true;
}

void State::schedule(const Session& session, bool present) {
  if (session.connected || session.expiry_s == never_expires || !session.durable) return;
  const DueItem item{session.expires_at, DueKind::session, session.id, {}};
  if (present)
    due_.add(item);
  else
    due_.remove(item);
}

void State::schedule(const std::string& client_id, const Will& will, bool present) {
  if (will.connected) return;
  const DueItem item{will.fires_at, DueKind::will, 0, client_id};
  if (present)
    due_.add(item);
  else
    due_.remove(item);
}

void State::schedule_retained(const std::string& topic, const Retained& retained, bool present) {
  const MessageView view = retained.message->view();
  if (view.expiry_s == no_expiry) return;
  const DueItem item{view.published_at.plus_ms(std::int64_t{view.expiry_s} * 1000), DueKind::retained, 0, topic};
  if (present)
    due_.add(item);
  else
    due_.remove(item);
}

void State::list_if_connected(Session& session, bool present) {
  if (!session.connected) return;
  if (present) {
    session.connected_place = connected_.size();
    connected_.push_back(&session);
    return;
  }
  connected_[session.connected_place] = connected_.back();
  connected_[session.connected_place]->connected_place = session.connected_place;
  connected_.pop_back();
}

// --- sessions
// ---------------------------------------------------------------------------------------------------------

SessionId State::next_session_id(bool durable) {
  if (!durable) return next_transient_++;
  const SessionId id = globals_.next_session;
  edit_globals([](Globals& g) { ++g.next_session; });
  return id;
}

Session& State::add_session(SessionId id, std::string_view client_id, bool durable) {
  auto owned = std::make_unique<Session>();
  Session& session = *owned;
  session.id = id;
  session.mixed_id = mix64(id);
  session.client_id = std::string(client_id);
  session.durable = durable;
  session.expiry_s = never_expires;
  CHECK(sessions_.emplace(id, std::move(owned)).second);
  CHECK(by_client_.emplace(session.client_id, &session).second);
  if (durable) {
    ++durable_sessions_;
    touch(session);
    touch_segment(session, 0);
    digest_.add(Table::sessions, id, hash_of(session));
    digest_.add(Table::queues, id, hash_of_tail(session));
  }
  return session;
}

void State::remove_session(Session& session) {
  for (auto& [filter, subscription] : session.subscriptions) forget_subscription(session, subscription);
  session.subscriptions.clear();
  if (session.durable) {
    touch(session);
    touch_segments(session, session.queue.head(), session.queue.tail());
    for (Sequence s = session.queue.head(); s < session.queue.tail(); ++s) {
      if (!session.queue.at(s).done) remove_entry_hash(session, s);
    }
    for (const std::uint16_t id : session.held_ids)
      digest_.remove(Table::sessions, session.id, hash_of_held(session, id));
    digest_.remove(Table::queues, session.id, hash_of_tail(session));
    digest_.remove(Table::sessions, session.id, hash_of(session));
    queued_ -= session.queue.size();
    --durable_sessions_;
  }
  schedule(session, false);
  list_if_connected(session, false);
  by_client_.erase(by_client_.find(session.client_id));
  sessions_.erase(session.id);
}

void State::drop_transient_sessions() {
  std::vector<Session*> transient;
  for (Session* session : connected_) {  // a transient one is never without its connection
    if (!session->durable) transient.push_back(session);
    session->connection = {};
  }
  for (Session* session : transient) remove_session(*session);
}

void State::hold_id(Session& session, std::uint16_t packet_id) {
  auto& ids = session.held_ids;
  const auto at = std::lower_bound(ids.begin(), ids.end(), packet_id);
  if (at != ids.end() && *at == packet_id) return;
  touch(session);
  ids.insert(at, packet_id);
  if (session.durable) digest_.add(Table::sessions, session.id, hash_of_held(session, packet_id));
}

bool State::release_id(Session& session, std::uint16_t packet_id) {
  auto& ids = session.held_ids;
  const auto at = std::lower_bound(ids.begin(), ids.end(), packet_id);
  if (at == ids.end() || *at != packet_id) return false;
  touch(session);
  ids.erase(at);
  if (session.durable) digest_.remove(Table::sessions, session.id, hash_of_held(session, packet_id));
  return true;
}

// --- subscriptions
// ----------------------------------------------------------------------------------------------------

Subscription& State::put_subscription(Session& session, std::string_view filter,
                                      const mqtt::SubscriptionOptions& options, std::uint32_t identifier,
                                      bool& existed) {
  const auto found = session.subscriptions.find(filter);
  existed = found != session.subscriptions.end();
  std::uint64_t joined = 0;
  if (existed) {
    joined = found->second.joined;
    routing_.remove(&found->second);
    touch(found->second);
    if (session.durable) digest_.remove(Table::subscriptions, session.id, hash_of(found->second));
  } else if (session.durable) {
    joined = globals_.next_joined;
    edit_globals([](Globals& g) { ++g.next_joined; });
  } else {
    joined = next_transient_joined_++;
  }
  const auto at = existed ? found : session.subscriptions.emplace(std::string(filter), Subscription{}).first;
  Subscription& subscription = at->second;
  subscription.session = &session;
  subscription.filter = at->first;
  subscription.options = options;
  subscription.identifier = identifier;
  subscription.joined = joined;
  subscription.group = mqtt::parse_shared(filter) ? short_name(filter) : std::uint16_t{0};
  if (session.durable) {
    touch(subscription);
    digest_.add(Table::subscriptions, session.id, hash_of(subscription));
  }
  routing_.add(&subscription);
  return subscription;
}

bool State::remove_subscription(Session& session, std::string_view filter) {
  const auto found = session.subscriptions.find(filter);
  if (found == session.subscriptions.end()) return false;
  forget_subscription(session, found->second);
  session.subscriptions.erase(found);
  return true;
}

// All but its place in the session.
void State::forget_subscription(const Session& session, Subscription& subscription) {
  routing_.remove(&subscription);
  if (!session.durable) return;
  touch(subscription);
  digest_.remove(Table::subscriptions, session.id, hash_of(subscription));
}

// --- retained messages and wills
// --------------------------------------------------------------------------------------

void State::set_retained(std::string_view topic, MessageRef message) {
  RetainedTable::Entry* at = retained_.find(topic);
  const std::uint64_t key = hash64(topic);
  if (at != nullptr) {
    touch_retained(at->first, at->second);
    schedule_retained(at->first, at->second, false);
    digest_.remove(Table::retained, key, hash_of(at->first, at->second));
    retained_bytes_ -= at->second.message->bytes();
    if (!message) {
      retained_.erase(topic);
      return;
    }
  } else {
    if (!message) return;
    at = &retained_.add(topic);
    touch_retained(at->first, at->second);
  }
  at->second.message = std::move(message);
  retained_bytes_ += at->second.message->bytes();
  schedule_retained(at->first, at->second, true);
  digest_.add(Table::retained, key, hash_of(at->first, at->second));
}

void State::set_will(const std::string& client_id, Will will) {
  remove_will(client_id);
  Will& placed = wills_[client_id];
  placed = std::move(will);
  placed.mark = {};
  touch_will(client_id, placed);
  schedule(client_id, placed, true);
  digest_.add(Table::wills, hash64(client_id), hash_of(client_id, placed));
}

void State::remove_will(const std::string& client_id) {
  const auto found = wills_.find(client_id);
  if (found == wills_.end()) return;
  touch_will(client_id, found->second);
  schedule(client_id, found->second, false);
  digest_.remove(Table::wills, hash64(client_id), hash_of(client_id, found->second));
  wills_.erase(found);
}

}  // namespace tandem::core
