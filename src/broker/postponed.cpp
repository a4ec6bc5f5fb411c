#include "broker/postponed.hpp"

namespace tandem::broker {

bool Postponed::waits(ConnectionId id) const {
  const auto found = by_slot_.find(id.slot);
  return found != by_slot_.end() && found->second.connection == id;
}

Postponed::Of& Postponed::of(ConnectionId id) {
  Of& of = by_slot_[id.slot];
  if (of.connection != id) {  // another one's, which is gone
    of = Of{};
    of.connection = id;
  }
  return of;
}

void Postponed::Of::drop_front() {
  const PostponedPublish& front = packets.front();
  if (front.qos == mqtt::Qos::at_most_once) {
    --qos0_packets;
    if (front.copied) qos0_copied_bytes -= front.message->bytes();
  }
  packets.pop_front();
}

bool Postponed::add_qos0(ConnectionId id, PostponedPublish packet) {
  Of& its = of(id);
  const std::size_t bytes = packet.copied ? packet.message->bytes() : 0;
  if (its.qos0_packets >= limits::max_postponed_qos0) return false;
  if (its.qos0_copied_bytes != 0 && its.qos0_copied_bytes + bytes > limits::max_unsent_bytes) return false;
  ++its.qos0_packets;
  its.qos0_copied_bytes += bytes;
  its.packets.push_back(std::move(packet));
  return true;
}

}  // namespace tandem::broker
