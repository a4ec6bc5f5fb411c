// Enhanced authentication: AUTH packets before the CONNACK, and of a client that authenticates anew while it is
// connected (MQTT 5.0, sections 3.15 and 4.12).
#include <utility>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "broker/active.hpp"
#include "mqtt/codec.hpp"

namespace tandem::broker {

// A CONNECT with a method waits until its client has proved who it is.
void Active::begin_authentication(edge::Connection& connection, const mqtt::Connect& packet) {
  AuthMechanism* const mechanism = authentications_.mechanism(*packet.properties.authentication_method);
  if (mechanism == nullptr) {  // [MQTT5-4.12.0-1]
    return refuse_connect(connection, packet, mqtt::Reason::bad_authentication_method);
  }
  if (!logins_.may_try(connection.address(), now_)) {
    ++counters_.throttled_logins;
    return refuse_connect(connection, packet, mqtt::Reason::connection_rate_exceeded);
  }
  Authentication* const of = authentications_.begin(connection.id(), mechanism, packet);
  if (of == nullptr) return refuse_connect(connection, packet, mqtt::Reason::server_busy);
  connection.authenticating();
  take_auth_step(connection, *of, packet.properties.authentication_data.value_or(ByteView{}));
}

// [MQTT5-3.1.2-30]: AUTH and DISCONNECT are all that may come.
bool Active::while_authenticating(edge::Connection& connection, Authentication& of, const mqtt::Packet& packet) {
  if (const auto* auth = std::get_if<mqtt::Auth>(&packet)) return on_auth(connection, *auth);
  if (!std::holds_alternative<mqtt::Disconnect>(packet)) {
    return fail_authentication(connection, of, mqtt::Reason::protocol_error);
  }
  authentications_.end(connection.id());
  connection.client_closes_first();
  return false;
}

bool Active::on_auth(edge::Connection& connection, const mqtt::Auth& packet) {
  Authentication* const of = authentications_.find(connection.id());
  if (of == nullptr) return end_connection(connection, mqtt::Reason::protocol_error);  // [MQTT5-4.12.0-7]
  // [MQTT5-4.12.0-3], [MQTT5-4.12.0-5], [MQTT5-4.12.1-1]
  const mqtt::Reason expected = of->exchange ? mqtt::Reason::continue_authentication : mqtt::Reason::reauthenticate;
  if (packet.reason != expected || packet.properties.authentication_method != of->mechanism->method()) {
    return fail_authentication(connection, *of, mqtt::Reason::protocol_error);
  }
  if (!of->exchange) of->begin_exchange();
  return take_auth_step(connection, *of, packet.properties.authentication_data.value_or(ByteView{}));
}

// One step a connection and turn: however expensive a method is, one client cannot hold the core with it.
bool Active::take_auth_step(edge::Connection& connection, Authentication& of, ByteView data) {
  AuthStep step;
  if (++of.steps <= limits::max_auth_steps) step = of.exchange->step(data);
  if (step.kind == AuthStep::Kind::success && of.connected() && step.username != of.username) {
    step = {};  // the session belongs to who it was
  }
  if (step.kind == AuthStep::Kind::refused) {
    count_wrong_login(connection);
    return fail_authentication(connection, of, of.connected() ? mqtt::Reason::not_authorized : step.reason);
  }
  connection.pause_reading();
  until_next_turn_.push_back(connection.id());
  if (step.kind == AuthStep::Kind::more) {
    return send_auth(connection, of, mqtt::Reason::continue_authentication, step.data);
  }
  of.exchange.reset();
  if (of.connected()) return send_auth(connection, of, mqtt::Reason::success, step.data);
  of.username = step.username;
  const ByteBuffer bytes = authentications_.take_connect(of);
  mqtt::Packet packet;
  CHECK(mqtt::decode(bytes, {}, packet).status == mqtt::DecodeStatus::packet);
  const Proven proven{of.mechanism->method(), step.username, step.data};
  admit(connection, std::get<mqtt::Connect>(packet), &proven);
  return client_of(connection) != nullptr;
}

bool Active::send_auth(edge::Connection& connection, Authentication& of, mqtt::Reason reason, ByteView data) {
  mqtt::Auth packet{reason, {}};
  packet.properties.authentication_method = of.mechanism->method();  // [MQTT5-4.12.0-5]
  if (!data.empty()) packet.properties.authentication_data = data;
  ByteBuffer bytes;
  mqtt::encode(packet, mqtt::Version::v5, bytes);
  if (bytes.size() > of.max_packet_bytes) {  // [MQTT5-3.1.2-24]
    return fail_authentication(connection, of, mqtt::Reason::packet_too_large);
  }
  if (of.connected()) {
    writer_->passing_packet(connection, packet);
  } else {
    connection.out().append(bytes);
    connection.will_write();
  }
  return true;
}

// [MQTT5-4.12.0-4] before the CONNACK, [MQTT5-4.12.1-2] after it. Result as of on_packet().
bool Active::fail_authentication(edge::Connection& connection, Authentication& of, mqtt::Reason reason) {
  if (of.connected()) return end_connection(connection, reason);
  refuse(connection, {mqtt::Version::v5, of.max_packet_bytes}, reason, mqtt::reason_name(reason));
  return false;
}

// The end of a turn: whoever took a step, or made much work, in it is heard again.
void Active::hear_again() {
  for (const ConnectionId id : std::exchange(until_next_turn_, {})) {
    edge::Connection* const connection = connections_->find(id);
    if (connection == nullptr) continue;
    const Client* const client = client_of(*connection);
    const bool heard = client != nullptr ? !client->paused : authentications_.find(id) != nullptr;
    if (heard) connection->resume_reading();
  }
}

}  // namespace tandem::broker
