// Connections of clients: CONNECT, takeover of a session, DISCONNECT, and connections that break.
#include "broker/active.hpp"
#include "broker/random_text.hpp"
#include "broker/reason_string.hpp"
#include "core/apply.hpp"
#include "core/hand_on.hpp"
#include "mqtt/codec.hpp"

namespace tandem::broker {

namespace {

// [MQTT5-3.1.2-24]: nothing of a CONNACK that accepts can be left out.
bool takes(const mqtt::Connack& connack, const core::Connected& client) {
  if (client.version != mqtt::Version::v5 || client.max_packet_bytes == 0xFFFFFFFF) return true;
  ByteBuffer bytes;
  mqtt::encode(connack, client.version, bytes);
  return bytes.size() <= client.max_packet_bytes;
}

}  // namespace

void Active::on_connect(edge::Connection& connection, const mqtt::Connect& packet) {
  if (const std::string& user = connection.certificate_user(); !user.empty()) {  // nothing else is asked of it
    if (packet.properties.authentication_method) {
      return refuse_connect(connection, packet, mqtt::Reason::bad_authentication_method);
    }
    const Proven proven{{}, user, {}};
    return admit(connection, packet, &proven);
  }
  if (packet.properties.authentication_method) return begin_authentication(connection, packet);
  const bool has_users = !state_->access().users().empty();  // without any, a name is only a name
  if (passwords_ != nullptr && packet.username && has_users) return begin_password_check(connection, packet);
  admit(connection, packet, nullptr);
}

void Active::decide_connect(const mqtt::Connect& packet, std::string_view id_if_none, const Proven* proven) {
  std::optional<std::string_view> username;
  if (proven != nullptr) username = proven->username;
  core::decide_connect(*state_, policy_, packet, id_if_none, log_.time(), connect_, username);
}

void Active::admit(edge::Connection& connection, const mqtt::Connect& packet, const Proven* proven) {
  const std::string id_if_none = packet.client_id.empty() ? random_text(random_) : std::string();
  decide_connect(packet, id_if_none, proven);
  if (connect_.refusal != mqtt::Reason::success) return refuse_connect(connection, packet, connect_.refusal);
  if (!takes(accept(connect_, proven), connect_.record)) {
    return refuse_connect(connection, packet, mqtt::Reason::packet_too_large);
  }
  core::Session* present = state_->session_of(connect_.record.client_id);
  if (present != nullptr && present->connected) take_over(*present);
  fire_will_before_clean_start(packet);
  // What these steps did to State may change the verdict (a will that is gone, a session that ended).
  decide_connect(packet, id_if_none, proven);
  hand_on(core::session_ended_by(*state_, connect_.record));

  connection.established(packet.version, connect_.record.keep_alive_s, connect_.record.max_packet_bytes);
  const Lsn lsn = record_if(connect_.recorded, core::Record(connect_.record));
  core::Applying to = applying(lsn);
  core::apply(to, connect_.record, connection.id());
  if (connection.id().slot >= clients_.size()) clients_.resize(connection.id().slot + 1);
  Client& client = clients_[connection.id().slot];
  client = Client{};
  ++counters_.connects;
  writer_->begin(connection.id(),
                 {.problem_information = packet.properties.request_problem_information.value_or(1) != 0,
                  .topic_alias_maximum = packet.properties.topic_alias_maximum.value_or(0)});
  client.connection = connection.id();
  client.publishes = TokenBucket(policy_.max_publishes_per_s);
  client.session = state_->session_of(connect_.record.client_id);
  client.held_before = client.session->held_ids.size();
  client.connect_expiry_s = packet.properties.session_expiry_s.value_or(0);
  mqtt::Connack connack = accept(connect_, proven);
  show(lsn, &connack);
}

void Active::refuse_connect(edge::Connection& connection, const mqtt::Connect& packet, mqtt::Reason reason) {
  const std::uint32_t max_packet_bytes = packet.properties.maximum_packet_bytes.value_or(0xFFFFFFFF);
  refuse(connection, {packet.version, max_packet_bytes}, reason, mqtt::reason_name(reason));
}

// [MQTT5-4.13.1-1]; a 3.x client hears of a version that is not known ([MQTT311-3.1.2-2]) and of nothing else
// ([MQTT311-3.1.4-1]).
void Active::refuse_malformed(edge::Connection& connection, const mqtt::Decoded& error) {
  if (Authentication* const waiting = authentications_.find(connection.id())) {
    return refuse(connection, {mqtt::Version::v5, waiting->max_packet_bytes}, error.reason, error.what);
  }
  if (!error.connect_version) return;
  refuse(connection, {*error.connect_version, error.connect_max_packet_bytes}, error.reason, error.what);
}

void Active::refuse(edge::Connection& connection, const Refused& client, mqtt::Reason reason, std::string_view why) {
  authentications_.end(connection.id());
  if (client.version == mqtt::Version::v5 || mqtt::to_v3_connack_code(reason)) {
    mqtt::Connack connack;
    connack.reason = reason;
    encode_with_reason(connack, why, client.version, client.max_packet_bytes, connection.out());
    connection.will_write();
  }
  connection.close_after_flush();
}

// [MQTT5-3.1.4-3]: the older connection gets 0x8E and ends as by a broken network: its will is due by the usual rules.
void Active::take_over(core::Session& session) {
  edge::Connection* old = connections_->find(session.connection);
  Client* client = old == nullptr ? nullptr : client_of(*old);
  if (client == nullptr) return;
  writer_->disconnect(*old, {.reason = mqtt::Reason::session_taken_over, .properties = {}});
  gone(*client, true, std::nullopt);
  close(*old);
  do_what_is_due();
}

// A clean start ends the old session, and with it the wait of a delayed will (T-02, U-25). A will that waits only
// because a reign began is cancelled instead: its client is back (docs/constants.md).
void Active::fire_will_before_clean_start(const mqtt::Connect& packet) {
  const auto will = state_->wills().find(packet.client_id);
  if (!packet.clean_start || will == state_->wills().end() || will->second.connected || will->second.grace) return;
  core::WillFired record;
  record.client_id = packet.client_id;
  core::choose_members(state_->access(), state_->routing().match(will->second.message->view().topic), record.picks);
  const Lsn lsn = record_if(true, core::Record(record));
  core::Applying to = applying(lsn);
  core::apply(to, record);
  show(lsn);
}

mqtt::Connack Active::accept(const core::ConnectVerdict& verdict, const Proven* proven) const {
  mqtt::Connack connack;
  if (verdict.record.version != mqtt::Version::v5) return connack;
  mqtt::Properties& p = connack.properties;
  p.receive_maximum = policy_.receive_maximum;
  p.maximum_packet_bytes = policy_.max_packet_bytes;
  if (policy_.topic_alias_maximum != 0) p.topic_alias_maximum = policy_.topic_alias_maximum;
  if (verdict.shorter_keep_alive) p.server_keep_alive_s = verdict.record.keep_alive_s;
  if (!verdict.generated_id.empty()) p.assigned_client_id = verdict.generated_id;
  if (!verdict.response_topic.empty()) p.response_information = verdict.response_topic;
  if (proven != nullptr && !proven->method.empty()) {  // [MQTT5-4.12.0-5]
    p.authentication_method = proven->method;
    if (!proven->data.empty()) p.authentication_data = proven->data;
  }
  return connack;
}

bool Active::on_disconnect(edge::Connection& connection, Client& client, const mqtt::Disconnect& packet) {
  const auto expiry = packet.properties.session_expiry_s;
  if (expiry && *expiry != 0 && client.connect_expiry_s == 0) {  // U-09
    return end_connection(connection, mqtt::Reason::protocol_error);
  }
  gone(client, packet.reason != mqtt::Reason::success, expiry);  // [MQTT5-3.14.4-3]
  connection.client_closes_first();
  return close(connection);
}

void Active::gone(Client& client, bool keep_will, std::optional<std::uint32_t> session_expiry_s) {
  core::Session* session = client.session;
  authentications_.end(client.connection);
  client.connection = {};
  client.session = nullptr;
  client.aliases.clear();
  if (session == nullptr) return;
  const std::string client_id = session->client_id;
  core::Disconnected record;
  record.client_id = client_id;
  record.keep_will = keep_will;
  record.session_expiry_s = session_expiry_s;
  hand_on(core::session_ended_by(*state_, record));
  const Lsn lsn = record_if(core::touches_durable(*state_, client_id), core::Record(record));
  core::Applying to = applying(lsn);
  core::apply(to, record);
  show(lsn);
}

bool Active::end_connection(edge::Connection& connection, mqtt::Reason reason) {
  writer_->disconnect(connection, {.reason = reason, .properties = {}});
  if (Client* client = client_of(connection)) gone(*client, true, std::nullopt);
  return close(connection);
}

bool Active::close(edge::Connection& connection) {
  const ConnectionId id = connection.id();
  gate_->close(connection);
  if (connections_->find(id) == nullptr) return false;
  connection.pause_reading();
  return true;
}

}  // namespace tandem::broker
