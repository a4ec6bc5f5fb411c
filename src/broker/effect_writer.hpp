// Effects to bytes: encodes what apply wants seen into the gate or past it.
#pragma once

#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "broker/gate.hpp"
#include "broker/outbound_aliases.hpp"
#include "broker/postponed.hpp"
#include "core/effects.hpp"
#include "core/shared_messages.hpp"
#include "edge/connections.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/packet.hpp"

namespace tandem::broker {

// What a client's CONNECT says of how it wants to be answered; for this connection only (MQTT 5).
struct Wishes {
  bool problem_information = true;  // reason strings in acknowledgements
  std::uint16_t topic_alias_maximum = 0;
};

class EffectWriter {
 public:
  // `max_retained_bytes`: of those that wait for a client that has subscribed and does not read.
  EffectWriter(edge::Connections& connections, Gate& gate, std::size_t max_retained_bytes)
      : connections_(connections), gate_(gate), postponed_(max_retained_bytes) {}

  // A connection begins; before anything is written to it.
  void begin(ConnectionId id, const Wishes& wishes);

  // `lsn`: of the record that caused them; 0: no record. `connack`: the packet to complete for a connack effect.
  void write(const core::Effects& effects, Lsn lsn, mqtt::Connack* connack);

  // Answers that no record causes; they wait behind what the connection already waits for.
  void ack(edge::Connection& to, mqtt::Type type, std::uint16_t packet_id, mqtt::Reason reason) {
    ++packets_;
    put_ack(to, type, packet_id, reason, gate_.output(to, Lsn{}));
    gate_.appended(to);
  }
  // PUBACK of a message that is in no record.
  void ack_publish(edge::Connection& to, std::uint16_t packet_id, mqtt::Reason reason) {
    ack(to, mqtt::Type::puback, packet_id, reason);
    gate_.count_ack();
  }
  // A PUBLISH's bytes need neither wait nor change but in its packet id, and nothing is dropped.
  bool takes_as_it_came(const edge::Connection& to) {
    return gate_.is_open(to, Lsn{}) && !aliases_.any(to.id()) && to.unsent_bytes() <= limits::max_unsent_bytes &&
           !postponed_.any(to.id());
  }
  // Then; the form fits its version and QoS. `packet_id`: 0 for QoS 0.
  void forward(edge::Connection& to, const mqtt::PublishForm& form, std::uint16_t packet_id) {
    ++packets_;
    ++delivered_;
    if (form.bytes.size() < limits::shared_packet_bytes || !forward_shared(to, form, packet_id)) [[likely]] {
      mqtt::append_publish(form, packet_id, false, to.out());
    }
    to.will_write();
  }
  // More of large packets than this turn takes: what comes now is postponed.
  bool turn_is_full() const { return large_bytes_ > limits::turn_large_bytes; }
  // At the turn's end: what was postponed and may leave now. Its record is safe, its connection has written what it was
  // given. True: there is more for the next turn.
  bool write_postponed(Lsn safe, Instant now);
  void forget_postponed() { postponed_.clear(); }
  // The client has a message, or says so: PUBACK, PUBREC.
  void acknowledged(ConnectionId id, std::uint16_t packet_id) { postponed_.acknowledged(id, packet_id); }
  // Then QoS 0 waits for its turn, but for no slow reader.
  void set_memory_full(bool full) { memory_full_ = full; }
  void passing_packet(edge::Connection& to, const mqtt::Packet& packet);
  // DISCONNECT to an MQTT 5 client; `why`: in words, by default the name of the reason. `passes`: what the connection
  // still waits for is not sent before it.
  void disconnect(edge::Connection& to, const mqtt::Disconnect& packet, std::string_view why = {}, bool passes = false);

  std::uint64_t dropped_qos0() const { return dropped_qos0_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t packets() const { return packets_; }  // of any kind

 private:
  // False: the payload does not stay where it is.
  static bool forward_shared(edge::Connection& to, const mqtt::PublishForm& form, std::uint16_t packet_id);
  void publish(edge::Connection& to, const core::Effects& effects, const core::Effect& effect, Lsn lsn);
  // It has been given as much as it may have; `passes`: of what passes the gate.
  bool is_full(const edge::Connection& to, bool passes) const {
    const std::size_t held = passes ? gate_.passing_bytes(to) : gate_.held_bytes(to);
    return to.unsent_bytes() + held > limits::max_unsent_bytes;
  }
  bool has_room(const edge::Connection& to, bool passes, std::size_t bytes) const {
    return !is_full(to, passes) && fits_turn(bytes) && !postponed_.any(to.id());
  }
  // Others wait while a large message is written to each of its receivers.
  bool fits_turn(std::size_t bytes) const { return bytes < limits::large_packet_bytes || !turn_is_full(); }
  void count_large(std::size_t bytes) {
    if (bytes >= limits::large_packet_bytes) large_bytes_ += bytes;
  }
  void postpone(const edge::Connection& to, const core::Effects& effects, const core::Effect& effect, Lsn lsn);
  // Where the packet was appended, and from which byte on; then call appended().
  struct Put {
    ByteBuffer& out;
    std::size_t begin;
  };
  Put put(edge::Connection& to, mqtt::PublishParts& parts, Lsn lsn);
  // The same, its payload from where `message` has it; appended() has been called.
  void put_shared(edge::Connection& to, mqtt::PublishParts& parts, const core::SharedMessage& message, Lsn lsn);
  ByteBuffer& output_for(edge::Connection& to, mqtt::PublishParts& parts, Lsn lsn);
  // That many may be sent, or may have to wait for.
  core::SharedMessage shared_message(const core::Effects& effects, const core::Effect& effect);
  static bool worth_sharing(const edge::Connection& to, ByteView payload) {
    return payload.size() >= limits::large_packet_bytes && to.shares();
  }
  void use_alias(const edge::Connection& to, mqtt::PublishParts& parts, bool passes, bool at_once);
  void list_ack(edge::Connection& to, const core::Effects& effects, const core::Effect& effect, Lsn lsn);
  // Of a PUBLISH's or PUBREL's acknowledgement, into `out`.
  void put_ack(const edge::Connection& to, mqtt::Type type, std::uint16_t packet_id, mqtt::Reason reason,
               ByteBuffer& out) const {
    if (reason == mqtt::Reason::success) return mqtt::append_short_ack(type, packet_id, out);
    put_ack_with_reason(to, type, packet_id, reason, out);
  }
  void put_ack_with_reason(const edge::Connection& to, mqtt::Type type, std::uint16_t packet_id, mqtt::Reason reason,
                           ByteBuffer& out) const;
  // The name of a reason that refuses, for a client that wants to know; else nothing.
  std::string_view why(const edge::Connection& to, mqtt::Reason reason) const;

  edge::Connections& connections_;
  Gate& gate_;
  OutboundAliases aliases_;
  mqtt::PublishForm form_;      // of the message being published, for whoever gets it next
  ByteBuffer form_bytes_;       // what it borrows from, unless from the packet that came
  std::vector<Wishes> wishes_;  // by slot
  core::BlockPool memory_;
  core::TransientMessages copies_{memory_};  // of messages that only output holds
  core::SharedMessages shared_;
  core::SharedMessage copy_;  // of Effects::current, for all who share it or have to wait
  Postponed postponed_;
  std::size_t large_bytes_ = 0;  // of large packets in this turn
  bool memory_full_ = false;
  std::uint64_t dropped_qos0_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t packets_ = 0;
};

}  // namespace tandem::broker
