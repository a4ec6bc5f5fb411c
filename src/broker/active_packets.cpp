// Packets of connected clients: messages in, acks of messages out.
#include "broker/active.hpp"
#include "core/apply.hpp"

namespace tandem::broker {

mqtt::Reason Active::resolve_topic(Client& client, const mqtt::Publish& packet, std::string_view& topic) {
  topic = packet.topic;
  if (packet.topic_alias == 0) return mqtt::Reason::success;
  if (packet.topic_alias > policy_.topic_alias_maximum) return mqtt::Reason::topic_alias_invalid;  // [MQTT5-3.3.2-9]
  if (client.aliases.size() <= packet.topic_alias) client.aliases.resize(packet.topic_alias + 1U);
  std::string& known = client.aliases[packet.topic_alias];
  if (!topic.empty()) known = std::string(topic);
  topic = known;
  return known.empty() ? mqtt::Reason::protocol_error : mqtt::Reason::success;  // U-10
}

bool Active::on_publish(edge::Connection& connection, Client& client, const mqtt::Publish& packet) {
  ++counters_.received;
  std::string_view topic;
  const mqtt::Reason resolved = resolve_topic(client, packet, topic);
  if (resolved != mqtt::Reason::success) return end_connection(connection, resolved);
  core::Session& session = *client.session;
  // [MQTT5-3.3.4-7]; ids that are held are bounded for every version.
  if (packet.qos == mqtt::Qos::exactly_once &&
      session.held_ids.size() >= client.held_before + policy_.receive_maximum &&
      connection.version() == mqtt::Version::v5 && !session.holds(packet.packet_id)) {
    return end_connection(connection, mqtt::Reason::receive_maximum_exceeded);
  }
  const std::uint64_t visited = state_->routing().visited();
  core::decide_publish(*state_, policy_, session, topic, packet, publish_);
  const bool taken = publish_.refusal == mqtt::Reason::success && !publish_.duplicate;
  count_work(connection, client,
             state_->routing().visited() - visited + (taken ? publish_.record.match->reached() : 0));
  if (publish_.refusal != mqtt::Reason::success) {
    ++counters_.refused;
    if (publish_.refusal == mqtt::Reason::not_authorized) ++counters_.denied;
    // Nobody may believe that it is kept: a 3.x client, which cannot be told, is sent away.
    const bool told = connection.version() == mqtt::Version::v5 || packet.qos == mqtt::Qos::at_most_once;
    if (policy_.memory_full && publish_.refusal == mqtt::Reason::quota_exceeded && !told) {
      return end_connection(connection, publish_.refusal);
    }
    answer_refused(connection, packet, publish_.refusal);
    return true;
  }
  if (publish_.duplicate) {
    writer_->ack(connection, mqtt::Type::pubrec, packet.packet_id, mqtt::Reason::success);
    return true;
  }
  if (may_forward(packet)) {
    forward(connection, packet);
    return true;
  }
  const std::uint64_t log_bytes = log_.bytes();
  const Lsn lsn = record_if(publish_.recorded, publish_.record);
  core::Applying to = applying(lsn);
  effects_.form = mqtt::form_of(packet, connection.version());
  core::apply(to, publish_.record, packet.packet_id);
  show(lsn);
  if (packet.whole.size() >= limits::large_packet_bytes) pause_while_writing(connection, client);
  if (lsn.value != 0) count_record(connection, client, lsn, log_bytes);
  return true;
}

// A message may match thousands of subscriptions: whose messages do is read on in the next turn, or one client could
// make a turn so long that heartbeats are late.
void Active::count_work(edge::Connection& connection, Client& client, std::uint64_t work) {
  client.work += work;
  if (client.work < limits::turn_work_per_connection) return;
  client.work = 0;
  connection.pause_reading();
  until_next_turn_.push_back(connection.id());
}

// Its large messages come faster than they can be given to all their receivers.
void Active::pause_while_writing(edge::Connection& connection, Client& client) {
  if (!writer_->turn_is_full() && !more_to_write_) return;
  client.waits_for_large = true;
  pause(connection, client);
}

// A client is read no further than our receive maximum of unacked publishes and its share of the log; nor while large
// messages of its own, or of others, wait for their turn.
bool Active::must_wait(const edge::Connection& connection, const Client& client) const {
  return publishers_held_ || (client.waits_for_large && more_to_write_) ||
         gate_->held_acks(connection) >= policy_.receive_maximum || client.log_share.is_used_up() ||
         (slow_ && client.log_share.is_used_up_in(lag_));
}

void Active::count_record(edge::Connection& connection, Client& client, Lsn lsn, std::uint64_t log_bytes_before) {
  client.log_share.recorded(lsn, static_cast<std::size_t>(log_.bytes() - log_bytes_before), lag_);
  client.log_share.settle(safe_);
  if (!client.paused && must_wait(connection, client)) pause(connection, client);
}

void Active::pause(edge::Connection& connection, Client& client) {
  if (client.paused) return;
  client.paused = true;
  connection.pause_reading();
  paused_.push_back(connection.id());
}

// limits.max_publishes_per_s: a client beyond it is read no further until its next PUBLISH may come. Nothing is
// refused.
void Active::count_publish(edge::Connection& connection) {
  Client* const client = client_of(connection);
  if (client == nullptr) return;  // that PUBLISH ended it
  client->publishes.take(now_);
  if (client->publishes.ready(now_)) return;
  ++counters_.publishers_paused;
  pause(connection, *client);
}

void Active::answer_refused(edge::Connection& connection, const mqtt::Publish& packet, mqtt::Reason reason) {
  // A 3.x client cannot be told: its message is acknowledged and dropped ([MQTT311-3.3.5-2]).
  if (packet.qos == mqtt::Qos::at_least_once) writer_->ack(connection, mqtt::Type::puback, packet.packet_id, reason);
  if (packet.qos == mqtt::Qos::exactly_once) writer_->ack(connection, mqtt::Type::pubrec, packet.packet_id, reason);
}

bool Active::on_ack(edge::Connection& connection, Client& client, const mqtt::Ack& packet) {
  core::Session& session = *client.session;
  if (packet.type == mqtt::Type::pubrel) {
    const core::Released record{session.id, packet.packet_id, &session};
    // Also if the id is not held: RECONCILE must know that the client is done with it.
    const Lsn lsn = record_if(session.durable, record);
    core::Applying to = applying(lsn);
    core::apply(to, record);
    show(lsn);
    return true;
  }
  if (packet.type == mqtt::Type::puback && core::finish_unkept(session, packet.packet_id)) {
    writer_->acknowledged(connection.id(), packet.packet_id);
    return true;
  }
  core::Sequence at = 0;
  switch (core::decide_ack(session, packet, at)) {
    case core::AckMeaning::progress: {
      writer_->acknowledged(connection.id(), packet.packet_id);
      const core::Acked record{session.id, packet.packet_id, packet.type, mqtt::is_error(packet.reason), &session, at};
      const Lsn lsn = record_if(session.durable, record);
      core::Applying to = applying(lsn);
      core::apply(to, record);
      show(lsn);
      break;
    }
    case core::AckMeaning::repeat_pubrel:
      writer_->ack(connection, mqtt::Type::pubrel, packet.packet_id, mqtt::Reason::success);
      break;
    case core::AckMeaning::unknown_pubrec:
      writer_->ack(connection, mqtt::Type::pubrel, packet.packet_id, mqtt::Reason::packet_identifier_not_found);
      break;
    case core::AckMeaning::nothing:
      break;
  }
  return true;
}

}  // namespace tandem::broker
