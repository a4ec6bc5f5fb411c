// What apply wants the outside to see. Filled by one apply, read by the gate right after it, then cleared: views in it
// borrow from the packet, the record and State as they are at that moment.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "core/message.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/packet.hpp"

namespace tandem::core {

enum class EffectKind : std::uint8_t { publish, ack, connack, suback, unsuback };

struct Effect {
  ConnectionId to;
  EffectKind kind = EffectKind::publish;
  // publish
  mqtt::Qos qos = mqtt::Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  // ack
  mqtt::Type ack_type = mqtt::Type::puback;
  mqtt::Reason reason = mqtt::Reason::success;
  // connack
  bool session_present = false;
  std::uint16_t packet_id = 0;
  // publish: what is sent; nullptr: Effects::current
  const Message* message = nullptr;
  // publish: subscription identifiers; suback, unsuback: reasons. A range of Effects::identifiers or ::reasons.
  std::uint32_t list_begin = 0;
  std::uint32_t list_count = 0;
};

// As a vector, but that clear() leaves the places as they are: one is filled a delivery.
class EffectList {
 public:
  Effect& emplace_back() {
    if (size_ == places_.size()) places_.resize(2 * size_ + 8);
    return places_[size_++] = Effect{};
  }
  void push_back(const Effect& effect) { emplace_back() = effect; }
  const Effect* begin() const { return places_.data(); }
  const Effect* end() const { return places_.data() + size_; }
  const Effect& front() const { return places_.front(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

 private:
  std::vector<Effect> places_;
  std::size_t size_ = 0;
};

struct Effects {
  EffectList list;
  MessageView current;     // the message being published
  mqtt::PublishForm form;  // its bytes as they came; of the active alone
  std::vector<std::uint32_t> identifiers;
  std::vector<mqtt::Reason> reasons;
  std::vector<ConnectionId> overflowed;  // whose queue is full, and whose policy is to disconnect: not yet ended
  MessageRef stored;                     // of a large `current`: what State holds of it, if it does
  MessageRef keep;                       // what `current` borrows from when no packet holds it (a will)
  Instant time;                          // log time of the record: expiry is counted down to it

  void clear() {
    list.clear();
    identifiers.clear();
    reasons.clear();
    overflowed.clear();
    keep.reset();
    stored.reset();
    form.bytes = {};
  }
  bool empty() const { return list.empty(); }
};

}  // namespace tandem::core
