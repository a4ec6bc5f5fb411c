// State and what applies records to it, as the active does: effects arise, and are looked at no further.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/apply.hpp"
#include "core/decide.hpp"
#include "core/state.hpp"

namespace tandem::micro {

class Box {
 public:
  Box() : to_{state_, 0, Instant{1}, effects_} {
    to_.lsn = ++lsn_;
    core::apply(to_, core::EpochBegan{Epoch{1, NodeId{1}, 1}, 0});
    state_.begin_reign();
  }

  core::State& state() { return state_; }
  const core::Effects& effects() const { return effects_; }

  // A client with a durable session comes, and stays if `connected`; it takes `window` messages at once.
  core::Session& connect(std::string_view client_id, bool connected = true, std::uint16_t window = 10) {
    core::Connected record;
    record.client_id = client_id;
    record.durable = true;
    record.session_expiry_s = core::never_expires;
    record.receive_maximum = window;
    record.max_queue_messages = 100'000'000;
    record.max_queue_bytes = std::uint64_t{1} << 40;
    begin();
    core::apply(to_, record, ConnectionId{++slot_, 1});
    if (!connected) disconnect(client_id);
    return *state_.session_of(client_id);
  }
  void disconnect(std::string_view client_id) {
    core::Disconnected record;
    record.client_id = client_id;
    begin();
    core::apply(to_, record);
  }
  void subscribe(const core::Session& session, std::string_view filter) {
    core::Subscribed record;
    record.session = session.id;
    record.subscriptions.push_back({filter, {.qos = mqtt::Qos::at_least_once}});
    begin();
    core::apply(to_, record, 1, reasons_);
  }
  void unsubscribe(const core::Session& session, std::string_view filter) {
    core::Unsubscribed record;
    record.session = session.id;
    record.filters.push_back(filter);
    begin();
    core::apply(to_, record, 2, reasons_);
  }
  // decide and apply, as of a PUBLISH with QoS 1.
  void publish(core::Session& from, std::string_view topic, std::string_view payload, bool retain = false) {
    packet_.topic = topic;
    packet_.payload = payload;
    packet_.packet_id = 1;
    packet_.qos = mqtt::Qos::at_least_once;
    packet_.retain = retain;
    core::decide_publish(state_, policy_, from, topic, packet_, verdict_);
    CHECK(verdict_.refusal == mqtt::Reason::success);
    begin();
    core::apply(to_, verdict_.record, packet_.packet_id);
  }
  // The client acknowledges the oldest message that it was sent.
  void ack(core::Session& session) {
    mqtt::Ack packet;
    packet.packet_id = core::Queue::packet_id(session.queue.head());
    core::Sequence at = 0;
    CHECK(core::decide_ack(session, packet, at) == core::AckMeaning::progress);
    core::Acked record;
    record.session = session.id;
    record.packet_id = packet.packet_id;
    record.from = &session;
    record.at = at;
    begin();
    core::apply(to_, record);
  }

 private:
  void begin() {
    effects_.clear();
    to_.lsn = ++lsn_;
  }
  static core::Policy policy() {
    core::Policy policy;
    policy.max_retained = 10'000'000;
    policy.max_retained_bytes = std::size_t{1} << 40;
    return policy;
  }

  core::State state_;
  core::Effects effects_;
  core::Applying to_;
  const core::Policy policy_ = policy();
  core::PublishVerdict verdict_;
  mqtt::Publish packet_;
  const std::vector<mqtt::Reason> reasons_{mqtt::Reason::granted_qos1};
  std::uint64_t lsn_ = 0;
  std::uint32_t slot_ = 0;
};

}  // namespace tandem::micro
