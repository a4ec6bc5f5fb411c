#include "broker/authentications.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "mqtt/codec.hpp"

namespace tandem::broker {

AuthMechanism* Authentications::mechanism(std::string_view method) const {
  const auto found = std::find_if(mechanisms_.begin(), mechanisms_.end(),
                                  [&](const AuthMechanism* one) { return one->method() == method; });
  return found == mechanisms_.end() ? nullptr : *found;
}

Authentication* Authentications::begin(ConnectionId id, AuthMechanism* mechanism, const mqtt::Connect& packet) {
  if (const auto old = by_slot_.find(id.slot); old != by_slot_.end()) end(old->second.connection);
  Authentication one;
  mqtt::encode(packet, packet.version, one.connect);
  const std::size_t bytes = one.connect.size() + limits::auth_exchange_bytes;
  if (waiting_bytes_ + bytes > limits::max_auth_waiting_bytes) return nullptr;
  waiting_bytes_ += bytes;
  one.connection = id;
  one.mechanism = mechanism;
  one.client_id = std::string(packet.client_id);
  one.max_packet_bytes = packet.properties.maximum_packet_bytes.value_or(0xFFFFFFFF);
  if (mechanism != nullptr) one.begin_exchange();
  return &by_slot_.insert_or_assign(id.slot, std::move(one)).first->second;
}

Authentication* Authentications::find(ConnectionId id) {
  const auto found = by_slot_.find(id.slot);
  return found == by_slot_.end() || found->second.connection != id ? nullptr : &found->second;
}

ByteBuffer Authentications::take_connect(Authentication& of) {
  if (!of.connect.empty()) waiting_bytes_ -= of.connect.size() + limits::auth_exchange_bytes;
  return std::exchange(of.connect, {});
}

void Authentications::end(ConnectionId id) {
  Authentication* const gone = find(id);
  if (gone == nullptr) return;
  take_connect(*gone);
  by_slot_.erase(id.slot);
}

void Authentications::clear() {
  by_slot_.clear();
  waiting_bytes_ = 0;
}

}  // namespace tandem::broker
