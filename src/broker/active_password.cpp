// CONNECT with a user name: the connection is not read until its password has been compared.
#include <utility>

#include "base/check.hpp"
#include "broker/active.hpp"
#include "mqtt/codec.hpp"

namespace tandem::broker {

void Active::begin_password_check(edge::Connection& connection, const mqtt::Connect& packet) {
  if (!packet.password) return refuse_connect(connection, packet, mqtt::Reason::bad_username_or_password);
  const ConnectionId id = connection.id();
  const bool begun = authentications_.begin(id, nullptr, packet) != nullptr;
  if (!begun || !passwords_->check(id, *packet.username, *packet.password)) {
    return refuse_connect(connection, packet, mqtt::Reason::server_busy);
  }
  connection.pause_reading();
}

void Active::on_password_checked(ConnectionId id, bool right) {
  edge::Connection* const connection = connections_->find(id);
  Authentication* const of = authentications_.find(id);
  if (connection == nullptr || of == nullptr) return;
  CHECK(of->mechanism == nullptr);
  const ByteBuffer bytes = authentications_.take_connect(*of);
  authentications_.end(id);
  mqtt::Packet packet;
  CHECK(mqtt::decode(bytes, {}, packet).status == mqtt::DecodeStatus::packet);
  const auto& connect = std::get<mqtt::Connect>(packet);
  if (!right) return refuse_connect(*connection, connect, mqtt::Reason::bad_username_or_password);
  const Proven proven{{}, *connect.username, {}};
  admit(*connection, connect, &proven);
  if (client_of(*connection) != nullptr) connection->resume_reading();
}

}  // namespace tandem::broker
