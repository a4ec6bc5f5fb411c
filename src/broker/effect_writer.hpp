// Effects to bytes: encodes what apply wants seen into the gate or past it.
#pragma once

#include <vector>

#include "broker/gate.hpp"
#include "broker/outbound_aliases.hpp"
#include "core/effects.hpp"
#include "edge/connections.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/packet.hpp"

namespace tandem::broker {

class EffectWriter {
 public:
  EffectWriter(edge::Connections& connections, Gate& gate) : connections_(connections), gate_(gate) {}

  // `lsn`: of the record that caused them; 0: no record. `connack`: the packet to complete for a connack effect.
  void write(const core::Effects& effects, Lsn lsn, mqtt::Connack* connack);

  // A connection begins. `topic_alias_maximum`: of its client.
  void begin(ConnectionId id, std::uint16_t topic_alias_maximum) { aliases_.begin(id, topic_alias_maximum); }

  // Answers that no record causes; they wait behind what the connection already waits for.
  void ack(edge::Connection& to, mqtt::Type type, std::uint16_t packet_id, mqtt::Reason reason);
  void packet(edge::Connection& to, const mqtt::Packet& packet);
  void passing_packet(edge::Connection& to, const mqtt::Packet& packet);

  std::uint64_t dropped_qos0() const { return dropped_qos0_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t packets() const { return packets_; }  // of any kind

 private:
  void publish(edge::Connection& to, const core::Effects& effects, const core::Effect& effect, Lsn lsn);
  void use_alias(const edge::Connection& to, mqtt::PublishParts& parts, bool passes);
  void list_ack(edge::Connection& to, const core::Effects& effects, const core::Effect& effect, Lsn lsn);

  edge::Connections& connections_;
  Gate& gate_;
  OutboundAliases aliases_;
  std::uint64_t dropped_qos0_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t packets_ = 0;
};

}  // namespace tandem::broker
