#include "broker/active.hpp"

#include "core/apply.hpp"
#include "core/hand_on.hpp"

namespace tandem::broker {

namespace {
constexpr int due_records_a_turn = 256;
}

Active::Active(const core::Policy& policy, std::vector<AuthMechanism*> auth_mechanisms, PasswordCheck* passwords)
    : policy_(policy), authentications_(std::move(auth_mechanisms)), passwords_(passwords) {}

void Active::attach(edge::Connections& connections, std::function<std::uint64_t()> random) {
  connections_ = &connections;
  random_ = std::move(random);
  gate_.emplace(connections);
  writer_.emplace(connections, *gate_, policy_.max_retained_bytes);
}

void Active::begin(core::State& state, Epoch epoch, Lsn last, Instant time) {
  state_ = &state;
  state.drop_transient_sessions();
  log_.begin(epoch, last);
  log_.set_time(time);
  const core::EpochBegan record{epoch, policy_.will_grace_s};
  const Lsn lsn = record_if(true, core::Record(record));
  core::Applying to = applying(lsn);
  core::apply(to, record);
  effects_.clear();
}

void Active::end() {
  if (state_ == nullptr) return;
  gate_->drop_all();
  writer_->forget_postponed();
  more_to_write_ = false;
  log_.take();
  state_->drop_transient_sessions();
  clients_.clear();
  paused_.clear();
  overflowed_.clear();
  pending_subscribes_.clear();
  authentications_.clear();
  until_next_turn_.clear();
  slow_ = false;
  publishers_held_ = false;
  safe_ = {};
  sys_.clear();
  state_ = nullptr;
}

void Active::show(Lsn lsn, mqtt::Connack* connack) {
  if (!effects_.empty()) writer_->write(effects_, lsn, connack);
  if (!effects_.overflowed.empty()) {
    overflowed_.insert(overflowed_.end(), effects_.overflowed.begin(), effects_.overflowed.end());
  }
  effects_.clear();
}

// core::QueuePolicy::disconnect
void Active::end_overflowed() {
  for (const ConnectionId id : std::exchange(overflowed_, {})) {
    edge::Connection* const connection = connections_->find(id);
    if (connection != nullptr && client_of(*connection) != nullptr) {
      end_connection(*connection, mqtt::Reason::quota_exceeded);
    }
  }
}

void Active::do_what_is_due() {
  end_overflowed();
  go_on_subscribing();
  std::string name;
  for (int i = 0; i < due_records_a_turn; ++i) {
    const std::optional<core::Record> due = core::decide_due(*state_, log_.time(), name);
    if (!due) return;
    if (const auto* ended = std::get_if<core::SessionEnded>(&*due)) hand_on(core::session_ended_by(*state_, *ended));
    const Lsn lsn = record_if(true, *due);
    core::Applying to = applying(lsn);
    core::apply(to, *due);
    show(lsn);
  }
}

Status Active::merge(const core::ForkIndex& fork, const core::Origin& origin, ByteView fact,
                     core::MergeReport& report) {
  const Result<core::MergeFact> decoded = core::decode_fact(fact);
  if (!decoded.ok()) return decoded.error();
  core::decide_reconciled(*state_, fork, policy_, origin, decoded.value(), log_.time(), reconciled_);
  report.add(decoded.value(), reconciled_);
  if (reconciled_.end == core::MergeEnd::already) return {};
  const Lsn lsn = record_if(true, reconciled_.record);
  core::Applying to = applying(lsn);
  core::apply(to, reconciled_.record);
  show(lsn);
  return {};
}

void Active::release(Lsn safe) {
  gate_->release(safe);
  safe_ = safe;
  more_to_write_ = writer_->write_postponed(safe, log_.time());
  if (paused_.empty() || publishers_held_) return;
  for (const ConnectionId id : std::exchange(paused_, {})) {
    edge::Connection* connection = connections_->find(id);
    if (connection == nullptr) continue;
    Client* client = client_of(*connection);
    if (client == nullptr) continue;
    client->log_share.settle(safe);
    if (must_wait(*connection, *client) || !client->publishes.ready(now_)) {
      paused_.push_back(id);
      continue;
    }
    client->paused = client->waits_for_large = false;
    connection->resume_reading();
  }
}

void Active::slow_publishers(bool slow) {
  if (slow && !slow_) ++lag_;
  slow_ = slow;
}

// [MQTT5-4.11.0-1]
void Active::redirect(mqtt::Reason reason, const std::string& server_reference) {
  for (Client& client : clients_) {
    edge::Connection* const connection = connections_->find(client.connection);
    if (connection == nullptr || connection->version() != mqtt::Version::v5) continue;
    mqtt::Disconnect packet;
    packet.reason = reason;
    if (!server_reference.empty()) packet.properties.server_reference = server_reference;
    writer_->disconnect(*connection, packet, {}, true);
    authentications_.end(client.connection);
    client = Client{};
    gate_->close(*connection);
  }
}

Active::Client* Active::client_of(const edge::Connection& connection) {
  const ConnectionId id = connection.id();
  if (id.slot >= clients_.size() || clients_[id.slot].connection != id) return nullptr;
  return &clients_[id.slot];
}

bool Active::on_packet(edge::Connection& connection, mqtt::Packet& packet) {
  if (!begin_turn_() || state_ == nullptr) return false;
  ++counters_.packets;
  Client* client = client_of(connection);
  if (client == nullptr) {
    if (Authentication* const waiting = authentications_.find(connection.id())) {
      return while_authenticating(connection, *waiting, packet);
    }
    const auto* connect = std::get_if<mqtt::Connect>(&packet);
    if (connect == nullptr) {  // [MQTT5-3.1.0-1]
      connection.close_now();
      return false;
    }
    on_connect(connection, *connect);
    return client_of(connection) != nullptr || authentications_.find(connection.id()) != nullptr;
  }
  if (auto* publish = std::get_if<mqtt::Publish>(&packet)) {
    const bool goes_on = on_publish(connection, *client, *publish);
    if (policy_.max_publishes_per_s != 0) count_publish(connection);
    return goes_on;
  }
  if (auto* ack = std::get_if<mqtt::Ack>(&packet)) return on_ack(connection, *client, *ack);
  if (std::holds_alternative<mqtt::Pingreq>(packet)) {
    writer_->passing_packet(connection, mqtt::Pingresp{});
    return true;
  }
  if (auto* subscribe = std::get_if<mqtt::Subscribe>(&packet)) return on_subscribe(connection, *client, *subscribe);
  if (auto* unsubscribe = std::get_if<mqtt::Unsubscribe>(&packet)) {
    return on_unsubscribe(connection, *client, *unsubscribe);
  }
  if (auto* disconnect = std::get_if<mqtt::Disconnect>(&packet)) return on_disconnect(connection, *client, *disconnect);
  if (auto* auth = std::get_if<mqtt::Auth>(&packet)) return on_auth(connection, *auth);
  // A second CONNECT ([MQTT5-3.1.0-2]), or a server's packet.
  return end_connection(connection, mqtt::Reason::protocol_error);
}

void Active::on_malformed(edge::Connection& connection, const mqtt::Decoded& error) {
  if (!begin_turn_() || state_ == nullptr) return;
  Client* client = client_of(connection);
  if (client == nullptr) return refuse_malformed(connection, error);
  // A second CONNECT, whatever version it speaks of ([MQTT5-3.1.0-2]); DISCONNECT has no such reason.
  const bool unknown_version = error.reason == mqtt::Reason::unsupported_protocol_version;
  const mqtt::Reason reason = unknown_version ? mqtt::Reason::protocol_error : error.reason;
  writer_->disconnect(connection, {.reason = reason, .properties = {}}, error.what, true);
  gone(*client, true, std::nullopt);
  gate_->forget(connection.id());
}

void Active::on_closed(edge::Connection& connection, edge::CloseCause cause) {
  if (!begin_turn_() || state_ == nullptr) return;
  Client* client = client_of(connection);
  if (client == nullptr) return authentications_.end(connection.id());
  if (cause == edge::CloseCause::keep_alive_timeout) {
    writer_->disconnect(connection, {.reason = mqtt::Reason::keep_alive_timeout, .properties = {}}, {}, true);
  }
  gone(*client, true, std::nullopt);
  gate_->forget(connection.id());
}

}  // namespace tandem::broker
