// CONNECT with a user name: the connection is not read until its password has been compared.
#include <utility>

#include "base/check.hpp"
#include "broker/active.hpp"
#include "mqtt/codec.hpp"

namespace tandem::broker {

void Active::begin_password_check(edge::Connection& connection, const mqtt::Connect& packet) {
  if (!packet.password) return refuse_login(connection, packet);
  if (!logins_.may_try(connection.address(), now_)) {
    ++counters_.throttled_logins;
    return refuse_connect(connection, packet, mqtt::Reason::connection_rate_exceeded);
  }
  const core::User* const user = state_->access().user(*packet.username);
  const std::string hash = user != nullptr ? user->password_hash : std::string();
  const ConnectionId id = connection.id();
  Authentication* const of = authentications_.begin(id, nullptr, packet);
  if (of == nullptr || !passwords_->check(id, hash, *packet.password)) {
    return refuse_connect(connection, packet, mqtt::Reason::server_busy);
  }
  of->password_hash = hash;
  connection.pause_reading();
}

void Active::on_password_checked(ConnectionId id, bool right) {
  edge::Connection* const connection = connections_->find(id);
  Authentication* const of = authentications_.find(id);
  if (connection == nullptr || of == nullptr) return;
  CHECK(of->mechanism == nullptr);
  const std::string hash = of->password_hash;
  const ByteBuffer bytes = authentications_.take_connect(*of);
  authentications_.end(id);
  mqtt::Packet packet;
  CHECK(mqtt::decode(bytes, {}, packet).status == mqtt::DecodeStatus::packet);
  const auto& connect = std::get<mqtt::Connect>(packet);
  const core::User* const user = state_->access().user(*connect.username);
  const bool unchanged = user != nullptr && user->password_hash == hash;  // while it was compared
  if (!right || !unchanged) return refuse_login(*connection, connect);
  const Proven proven{{}, *connect.username, {}};
  admit(*connection, connect, &proven);
  if (client_of(*connection) != nullptr) connection->resume_reading();
}

void Active::refuse_login(edge::Connection& connection, const mqtt::Connect& packet) {
  count_wrong_login(connection);
  refuse_connect(connection, packet, mqtt::Reason::bad_username_or_password);
}

void Active::count_wrong_login(const edge::Connection& connection) {
  ++counters_.refused_logins;
  logins_.failed(connection.address(), now_);
}

}  // namespace tandem::broker
