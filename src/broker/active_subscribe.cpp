// SUBSCRIBE and UNSUBSCRIBE. A filter with a wildcard looks at every retained message: of a SUBSCRIBE with many of them
// one is done a turn, and the client is not read until its SUBACK, so that others do not wait for one client.
#include <algorithm>

#include "broker/active.hpp"
#include "core/apply.hpp"
#include "mqtt/utf8.hpp"
#include "mqtt/varint.hpp"

namespace tandem::broker {

namespace {

// [MQTT5-3.1.2-24]: a SUBACK or UNSUBACK with so many codes is not larger than the client takes. One that it cannot
// take would leave it waiting; nothing of its packet is done, and 0x95 says why.
bool takes_codes(const edge::Connection& connection, std::size_t codes) {
  const auto rest = static_cast<std::uint32_t>(2 + 1 + codes);  // packet id, no properties
  return connection.version() != mqtt::Version::v5 ||
         1 + mqtt::varint_size(rest) + rest <= connection.max_packet_bytes_out();
}

// Retained messages that are looked at for these filters, at most.
std::size_t looks_at(const core::State& state, const std::vector<mqtt::SubscriptionRequest>& requests) {
  const auto wildcards = std::count_if(requests.begin(), requests.end(), [](const mqtt::SubscriptionRequest& request) {
    return mqtt::has_wildcard(request.filter);
  });
  return static_cast<std::size_t>(wildcards) * state.retained().size();
}

}  // namespace

bool Active::on_subscribe(edge::Connection& connection, Client& client, const mqtt::Subscribe& packet) {
  const core::SubscribeVerdict verdict = core::decide_subscribe(state_->access(), policy_, *client.session, packet);
  if (verdict.protocol_error) return end_connection(connection, mqtt::Reason::protocol_error);
  if (!takes_codes(connection, verdict.reasons.size())) {
    return end_connection(connection, mqtt::Reason::packet_too_large);
  }
  const std::size_t work = looks_at(*state_, packet.requests);
  if (packet.requests.size() > 1 && work > limits::turn_work_per_connection) {
    subscribe_by_turns(connection, client, packet);
    return true;
  }
  subscribe(connection, client, packet, verdict, packet.packet_id, verdict.reasons);
  count_work(connection, client, work);
  return true;
}

// `packet_id`, `reasons`: of the SUBACK; 0: there is none yet.
void Active::subscribe(edge::Connection& connection, Client& client, const mqtt::Subscribe& packet,
                       const core::SubscribeVerdict& verdict, std::uint16_t packet_id,
                       const std::vector<mqtt::Reason>& reasons) {
  const std::vector<std::string_view> sys_filters = sys_filters_of(*client.session, packet, verdict);
  const bool recorded = client.session->durable && !verdict.record.subscriptions.empty();
  const std::uint64_t log_bytes = log_.bytes();
  const Lsn lsn = record_if(recorded, core::Record(verdict.record));
  core::Applying to = applying(lsn);
  core::apply(to, verdict.record, packet_id, reasons);
  show(lsn);
  const std::uint32_t identifier = packet.properties.subscription_identifier.value_or(0);
  for (const std::string_view filter : sys_filters) send_sys(connection, filter, identifier);
  if (lsn.value != 0) count_record(connection, client, lsn, log_bytes);
}

void Active::subscribe_by_turns(edge::Connection& connection, Client& client, const mqtt::Subscribe& packet) {
  client.paused = true;  // and in no list of those that are resumed
  connection.pause_reading();
  PendingSubscribe& pending = pending_subscribes_.emplace_back();
  pending.connection = connection.id();
  pending.packet_id = packet.packet_id;
  pending.identifier = packet.properties.subscription_identifier;
  for (const mqtt::SubscriptionRequest& request : packet.requests) {
    pending.filters.emplace_back(request.filter, request.options);
  }
}

// A turn's share: one filter of the client that has waited longest. None in a switchover: each may be a record.
void Active::go_on_subscribing() {
  if (!goes_on_subscribing()) return;
  PendingSubscribe pending = std::move(pending_subscribes_.front());
  pending_subscribes_.pop_front();
  edge::Connection* const connection = connections_->find(pending.connection);
  Client* const client = connection != nullptr ? client_of(*connection) : nullptr;
  if (client == nullptr) return;  // nobody waits for a SUBACK any more
  const auto& [filter, options] = pending.filters[pending.reasons.size()];
  mqtt::Subscribe one;
  one.properties.subscription_identifier = pending.identifier;
  one.requests.push_back({filter, options});
  const core::SubscribeVerdict verdict = core::decide_subscribe(state_->access(), policy_, *client->session, one);
  pending.reasons.push_back(verdict.reasons.front());
  const bool last = pending.reasons.size() == pending.filters.size();
  subscribe(*connection, *client, one, verdict, last ? pending.packet_id : std::uint16_t{0}, pending.reasons);
  if (!last) return pending_subscribes_.push_back(std::move(pending));
  client->paused = false;
  client->log_share.settle(safe_);
  if (must_wait(*connection, *client))
    pause(*connection, *client);
  else
    connection->resume_reading();
}

bool Active::on_unsubscribe(edge::Connection& connection, Client& client, const mqtt::Unsubscribe& packet) {
  const core::UnsubscribeVerdict verdict = core::decide_unsubscribe(*client.session, packet);
  if (!takes_codes(connection, verdict.reasons.size())) {
    return end_connection(connection, mqtt::Reason::packet_too_large);
  }
  const Lsn lsn = record_if(client.session->durable && !verdict.record.filters.empty(), core::Record(verdict.record));
  core::Applying to = applying(lsn);
  core::apply(to, verdict.record, packet.packet_id, verdict.reasons);
  show(lsn);
  return true;
}

}  // namespace tandem::broker
