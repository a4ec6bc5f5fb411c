// Sessions begin, connections come and go, reigns begin, wills fire.
#include <algorithm>

#include "base/limits.hpp"
#include "core/apply.hpp"

namespace tandem::core {

std::int64_t will_grace_ms(const Will& will, std::uint32_t without_keep_alive_s) {
  const std::int64_t grace_ms = will.keep_alive_s != 0      ? std::int64_t{will.keep_alive_s} * 1500
                                : without_keep_alive_s != 0 ? std::int64_t{without_keep_alive_s} * 1000
                                                            : limits::zero_keepalive_will_grace_ms;
  return std::max(std::int64_t{will.delay_s} * 1000, grace_ms);
}

namespace {

void set_will(Applying& to, const Connected& record) {
  const std::string client_id(record.client_id);
  if (!record.will) {
    to.state.remove_will(client_id);
    return;
  }
  Will will;
  will.message = to.state.make_message(record.will->message, to.lsn);
  will.delay_s = record.will->delay_s;
  will.keep_alive_s = record.keep_alive_s;
  to.state.set_will(client_id, std::move(will));
}

// The connection is gone. A session that does not outlive it ends here, before anything can find it again (T-04).
// Returns for how long it lives on, in ms.
std::int64_t leave(Applying& to, Session& session, std::optional<std::uint32_t> new_expiry_s) {
  to.state.edit_session(session, [&](Session& s) {
    s.connected = false;
    s.connection = {};
    if (new_expiry_s) s.expiry_s = *new_expiry_s;
    s.expires_at = to.time.plus_ms(std::int64_t{s.expiry_s} * 1000);
  });
  const std::uint32_t expiry_s = session.durable ? session.expiry_s : 0;
  if (expiry_s == 0) to.state.remove_session(session);
  return expiry_s == never_expires ? INT64_MAX : std::int64_t{expiry_s} * 1000;
}

}  // namespace

void take_header(Session& session, const Connected& record) {
  session.username = std::string(record.username);
  session.version = record.version;
  session.keep_alive_s = record.keep_alive_s;
  session.expiry_s = record.session_expiry_s;
  session.receive_maximum = record.receive_maximum;
  session.max_packet_bytes = record.max_packet_bytes;
  session.max_queue_messages = record.max_queue_messages;
  session.max_queue_bytes = record.max_queue_bytes;
  session.queue_policy = record.queue_policy;
}

void apply(Applying& to, const EpochBegan& record) {
  to.state.edit_globals([&](Globals& globals) { globals.epoch = record.epoch; });
  to.state.begin_reign();
  // A takeover must not take longer for sessions whose clients are away.
  const std::vector<Session*> was_connected = to.state.connected_sessions();
  for (Session* session : was_connected) {
    if (session->durable) leave(to, *session, std::nullopt);
  }
  std::vector<std::string> wills;
  for (const auto& [client_id, will] : to.state.wills()) {
    if (will.connected) wills.push_back(client_id);
  }
  for (const std::string& client_id : wills) {
    to.state.edit_will(client_id, [&](Will& will) {
      will.connected = false;
      will.grace = true;
      will.fires_at = to.time.plus_ms(will_grace_ms(will, record.will_grace_s));
    });
  }
}

void apply(Applying& to, const Connected& record, ConnectionId connection) {
  Session* session = to.state.session_of(record.client_id);
  // [MQTT5-3.1.2-4]; a transient session never outlives its connection, so it is never resumed.
  if (session != nullptr && (record.clean_start || !session->durable)) {
    to.state.remove_session(*session);
    session = nullptr;
  }
  if (session != nullptr && session->ended_by(to.time)) {  // its SessionEnded has not been made yet
    to.state.remove_session(*session);
    session = nullptr;
  }
  to.effects.time = to.time;
  const bool present = session != nullptr;
  set_will(to, record);
  // A transient session lives on the active only: elsewhere the record speaks of its will alone.
  if (session == nullptr && (record.durable || connection.valid())) {
    session = &to.state.add_session(to.state.next_session_id(record.durable), record.client_id, record.durable);
  }
  if (session == nullptr) return;
  to.state.edit_session(*session, [&](Session& s) {
    take_header(s, record);
    s.connected = true;
    s.connection = connection;
  });
  if (connection.valid()) {
    Effect& effect = to.effects.list.emplace_back();
    effect.to = connection;
    effect.kind = EffectKind::connack;
    effect.session_present = present;
  }
  if (session->met_in != to.state.reign()) {
    session->met_in = to.state.reign();
    session->strange_until = present ? session->queue.cursor() + Queue::packet_ids : 0;
  }
  to.state.rewind_queue(*session);
  pull(to, *session);
}

void apply(Applying& to, const Disconnected& record) {
  const std::string client_id(record.client_id);
  Session* session = to.state.session_of(client_id);
  // A will never waits longer than its session lives (U-26).
  const std::int64_t session_ends_ms = session == nullptr ? 0 : leave(to, *session, record.session_expiry_s);
  if (!record.keep_will) {
    to.state.remove_will(client_id);
    return;
  }
  to.state.edit_will(client_id, [&](Will& will) {
    if (!will.connected) return;
    will.connected = false;
    will.grace = false;
    will.fires_at = to.time.plus_ms(std::min(std::int64_t{will.delay_s} * 1000, session_ends_ms));
  });
}

void apply(Applying& to, const WillFired& record) {
  const auto found = to.state.wills().find(record.client_id);
  if (found == to.state.wills().end() || found->second.connected) return;
  // A copy outside State: effects may outlive this apply, and nothing may keep a durable message alive on one box only.
  to.effects.keep = to.state.make_message(found->second.message->view(), 0);
  MessageView view = to.effects.keep->view();
  view.published_at = to.time;
  to.state.remove_will(std::string(record.client_id));
  to.effects.current = view;
  to.effects.time = to.time;
  if (view.retain) {
    to.state.set_retained(view.topic, view.payload.empty() ? MessageRef{} : to.state.make_message(view, to.lsn));
  }
  const Session* publisher = to.state.session_of(record.client_id);
  const SessionId publisher_id = publisher != nullptr && publisher->durable ? publisher->id : 0;
  Outgoing message;
  message.view = view;
  const RetainedTable::Entry* const retained = to.state.retained_at(view.topic);
  if (view.retain && retained != nullptr) message.durable = retained->second.message;
  fan_out(to, to.state.routing().match(view.topic), record.picks, publisher_id, message);
}

void apply(Applying& to, const SessionEnded& record) {
  Session* session = to.state.session(record.session);
  if (session != nullptr && !session->connected) to.state.remove_session(*session);
}

}  // namespace tandem::core
