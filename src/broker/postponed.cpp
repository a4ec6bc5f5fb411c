#include "broker/postponed.hpp"

#include <utility>

namespace tandem::broker {

const Postponed::Of* Postponed::known(ConnectionId id) const {
  const auto found = by_slot_.find(id.slot);
  return found != by_slot_.end() && found->second.connection == id ? &found->second : nullptr;
}

Postponed::Of& Postponed::of(ConnectionId id) {
  Of& of = by_slot_[id.slot];
  if (of.connection != id) {  // another one's, which is gone
    of = Of{};
    of.connection = id;
  }
  return of;
}

void Postponed::Of::remove(Packets::iterator packet) {
  if (packet->qos == mqtt::Qos::at_most_once) {
    --qos0_packets;
    (packet->live ? live_bytes : retained_bytes) -= packet->message->bytes();
  } else {
    by_packet_id.erase(packet->packet_id);
  }
  packets.erase(packet);
}

void Postponed::add(ConnectionId id, PostponedPublish packet) {
  Of& its = of(id);
  its.packets.push_back(std::move(packet));
  its.by_packet_id[its.packets.back().packet_id] = std::prev(its.packets.end());
}

bool Postponed::add_qos0(ConnectionId id, PostponedPublish packet) {
  Of& its = of(id);
  std::size_t& bytes = packet.live ? its.live_bytes : its.retained_bytes;
  const std::size_t most = packet.live ? limits::max_unsent_bytes : max_retained_bytes_;
  const std::size_t more = packet.message->bytes();
  if (its.qos0_packets >= limits::max_postponed_qos0 || (bytes != 0 && bytes + more > most)) return false;
  ++its.qos0_packets;
  bytes += more;
  its.packets.push_back(std::move(packet));
  return true;
}

void Postponed::drop(ConnectionId id, std::uint16_t packet_id) {
  if (known(id) == nullptr) return;
  Of& its = of(id);
  const auto found = its.by_packet_id.find(packet_id);
  if (found != its.by_packet_id.end()) its.remove(found->second);
}

}  // namespace tandem::broker
