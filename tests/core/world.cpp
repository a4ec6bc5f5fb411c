#include "world.hpp"

#include "core/acl_text.hpp"

#include "core/hand_on.hpp"

#include "doctest.hpp"

namespace tandem::core::test {

std::vector<Event> Client::take_publishes() {
  std::vector<Event> publishes;
  for (Event& event : events) {
    if (event.kind == EffectKind::publish) publishes.push_back(std::move(event));
  }
  events.clear();
  return publishes;
}

std::vector<std::string> Client::take_payloads() {
  std::vector<std::string> payloads;
  for (const Event& event : take_publishes()) payloads.push_back(event.payload);
  return payloads;
}

ConnectOptions durable(std::uint32_t expiry_s) {
  ConnectOptions options;
  options.clean_start = false;
  options.expiry_s = expiry_s;
  return options;
}

ConnectOptions v3(bool clean_session) {
  ConnectOptions options;
  options.version = mqtt::Version::v311;
  options.clean_start = clean_session;
  return options;
}

void replay(State& state, const Batch& batch) {
  ByteReader reader(*batch.bytes);
  Effects effects;
  Lsn lsn = batch.first;
  for (std::uint32_t i = 0; i < batch.count; ++i, lsn = lsn.next()) {
    Result<Record> record = decode_record(reader);
    if (!record.ok()) FAIL(record.error().message);
    Applying to{state, lsn.value, batch.time, effects};
    core::apply(to, record.value());
    if (!effects.list.empty()) FAIL("a replay has effects");
    effects.clear();
  }
  if (!reader.at_end()) FAIL("a batch has trailing bytes");
}

World::World(std::size_t clients) : active_(std::make_unique<State>()), standby_(std::make_unique<State>()) {
  policy.allow_anonymous = true;
  for (std::size_t i = 0; i < clients; ++i) {
    clients_.push_back(std::make_unique<Client>());
    clients_.back()->id = "client" + std::to_string(i);
    clients_.back()->slot = static_cast<std::uint32_t>(i);
  }
  begin_reign();
}

template <class R>
std::uint64_t World::append(bool recorded, const R& record) {
  if (!recorded) return 0;
  encode_record(record, *open_);
  ++open_count_;
  return ++last_lsn_;
}

void World::show() {
  for (const Effect& effect : effects_.list) {
    if (effect.to.slot >= clients_.size()) FAIL("an effect for a connection that never was");
    Client& to = *clients_[effect.to.slot];
    if (to.connection != effect.to) FAIL("an effect for a stale connection");
    Event event;
    event.kind = effect.kind;
    event.packet_id = effect.packet_id;
    event.ack = effect.ack_type;
    event.reason = effect.reason;
    event.session_present = effect.session_present;
    if (effect.kind == EffectKind::publish) {
      const MessageView view = effect.message != nullptr ? effect.message->view() : effects_.current;
      event.topic = std::string(view.topic);
      event.payload = std::string(view.payload);
      event.properties = std::string(view.properties);
      event.qos = static_cast<unsigned>(effect.qos);
      event.retain = effect.retain;
      event.dup = effect.dup;
      if (view.expiry_s != no_expiry) event.expiry_s = view.seconds_left(effects_.time);
      const auto begin = effects_.identifiers.begin() + static_cast<std::ptrdiff_t>(effect.list_begin);
      event.identifiers.assign(begin, begin + static_cast<std::ptrdiff_t>(effect.list_count));
    }
    if (effect.kind == EffectKind::suback || effect.kind == EffectKind::unsuback) {
      const auto begin = effects_.reasons.begin() + static_cast<std::ptrdiff_t>(effect.list_begin);
      event.reasons.assign(begin, begin + static_cast<std::ptrdiff_t>(effect.list_count));
    }
    to.events.push_back(std::move(event));
  }
  overflowed += static_cast<int>(effects_.overflowed.size());
  effects_.clear();
}

void World::hand_on(const Session* ending) {
  if (ending == nullptr) return;
  HandOnVerdict verdict;
  Sequence at = 0;
  while (decide_hand_on(*active_, policy, *ending, time_, at, verdict)) {
    const MessageRef message = active_->make_message(
        verdict.record.message ? *verdict.record.message : ending->queue.at(verdict.record.position).message->view(),
        0);
    const SharedPick pick = verdict.record.to;
    if (observer != nullptr) observer->before_hand_on();
    const std::uint64_t lsn = append(verdict.recorded, Record(verdict.record));
    Applying to = applying(lsn);
    apply(to, verdict.record);
    show();
    if (observer != nullptr) observer->after_hand_on(message->view(), pick);
  }
}

void World::order(const Record& record) {
  Applying to = applying(append(true, record));
  apply(to, record);
  show();
}

void World::order_rules(const std::string& acl_text) {
  const AclText acl = parse_acl(acl_text);
  REQUIRE(acl.problems.empty());
  for (const auto& [name, rules] : acl.sets) {
    RulesSet record{name.owner, name.name, false, {}};
    for (const Rule& rule : rules) record.rules.push_back({rule.right, rule.filter});
    order(record);
  }
}

mqtt::Reason World::connect(Client& client, const ConnectOptions& options) {
  mqtt::Connect packet;
  packet.version = options.version;
  packet.clean_start = options.clean_start;
  packet.keep_alive_s = options.keep_alive_s;
  packet.client_id = client.id;
  if (options.version == mqtt::Version::v5) {
    if (options.expiry_s != 0) packet.properties.session_expiry_s = options.expiry_s;
    packet.properties.receive_maximum = options.receive_maximum;
    packet.properties.maximum_packet_bytes = options.max_packet_bytes;
  }
  if (options.will) {
    mqtt::Will& will = packet.will.emplace();
    will.topic = options.will->topic;
    will.payload = options.will->payload;
    will.qos = static_cast<mqtt::Qos>(options.will->qos);
    will.retain = options.will->retain;
    will.delay_s = options.will->delay_s;
    will.message_expiry_s = options.will->expiry_s;
    will.forwarded_properties = options.will->properties;
  }
  std::optional<std::string_view> proven;
  if (!options.username.empty()) proven = options.username;
  decide_connect(*active_, policy, packet, "0123456789abcdef", time_, connect_, proven);
  if (connect_.refusal != mqtt::Reason::success) return connect_.refusal;
  if (client.connected()) {  // [MQTT5-3.1.4-3]
    gone(client, true, std::nullopt);
    do_what_is_due();
  }
  fire_will_before_clean_start(client, options);
  decide_connect(*active_, policy, packet, "0123456789abcdef", time_, connect_, proven);
  hand_on(session_ended_by(*active_, connect_.record));
  const std::uint64_t lsn = append(connect_.recorded, Record(connect_.record));
  client.events.clear();  // what it did not read on an older connection is lost
  client.connection = ConnectionId{client.slot, next_generation_++};
  Applying to = applying(lsn);
  apply(to, connect_.record, client.connection);
  show();
  const Session* session = active_->session_of(client.id);
  client.session = session->id;
  REQUIRE_FALSE(client.events.empty());
  return mqtt::Reason::success;
}

void World::fire_will_before_clean_start(const Client& client, const ConnectOptions& options) {
  const auto will = active_->wills().find(client.id);
  if (!options.clean_start || will == active_->wills().end() || will->second.connected || will->second.grace) return;
  WillFired record;
  record.client_id = client.id;
  choose_members(active_->access(), active_->routing().match(will->second.message->view().topic), record.picks);
  fire_will(record);
}

void World::fire_will(const WillFired& record) {
  const Will& will = active_->wills().find(record.client_id)->second;
  const MessageRef message = active_->make_message(will.message->view(), 0);
  const Session* session = active_->session_of(record.client_id);
  const SessionId publisher = session != nullptr && session->durable ? session->id : 0;
  MessageView view = message->view();
  view.published_at = time_;
  if (observer != nullptr) observer->before_message(view, publisher, record.picks);
  const std::uint64_t lsn = append(true, Record(record));
  Applying to = applying(lsn);
  apply(to, record);
  show();
  if (observer != nullptr) observer->after_message(view, publisher, record.picks);
}

void World::gone(Client& client, bool keep_will, std::optional<std::uint32_t> session_expiry_s) {
  Disconnected record;
  record.client_id = client.id;
  record.keep_will = keep_will;
  record.session_expiry_s = session_expiry_s;
  client.connection = {};
  hand_on(session_ended_by(*active_, record));
  const std::uint64_t lsn = append(touches_durable(*active_, client.id), Record(record));
  Applying to = applying(lsn);
  apply(to, record);
  show();
}

void World::disconnect(Client& client, mqtt::Reason reason, std::optional<std::uint32_t> session_expiry_s) {
  gone(client, reason != mqtt::Reason::success, session_expiry_s);
  do_what_is_due();
}

void World::lose(Client& client) {
  gone(client, true, std::nullopt);
  do_what_is_due();
}

std::vector<mqtt::Reason> World::subscribe(Client& client, const std::string& filter, const SubscribeOptions& options) {
  mqtt::Subscribe packet;
  packet.packet_id = client.next_packet_id;
  if (options.identifier != 0) packet.properties.subscription_identifier = options.identifier;
  mqtt::SubscriptionOptions wanted;
  wanted.qos = static_cast<mqtt::Qos>(options.qos);
  wanted.no_local = options.no_local;
  wanted.retain_as_published = options.retain_as_published;
  wanted.retain_handling = options.retain_handling;
  packet.requests.push_back({filter, wanted});
  Session& session = *active_->session(client.session);
  const SubscribeVerdict verdict = decide_subscribe(active_->access(), policy, session, packet);
  if (verdict.protocol_error) return {mqtt::Reason::protocol_error};
  const std::uint64_t lsn = append(session.durable && !verdict.record.subscriptions.empty(), Record(verdict.record));
  Applying to = applying(lsn);
  apply(to, verdict.record, packet.packet_id, verdict.reasons);
  show();
  return verdict.reasons;
}

std::vector<mqtt::Reason> World::unsubscribe(Client& client, const std::string& filter) {
  mqtt::Unsubscribe packet;
  packet.packet_id = client.next_packet_id;
  packet.filters.push_back(filter);
  Session& session = *active_->session(client.session);
  const UnsubscribeVerdict verdict = decide_unsubscribe(session, packet);
  const std::uint64_t lsn = append(session.durable && !verdict.record.filters.empty(), Record(verdict.record));
  Applying to = applying(lsn);
  apply(to, verdict.record, packet.packet_id, verdict.reasons);
  show();
  return verdict.reasons;
}

Published1 World::publish(Client& client, const std::string& topic, const std::string& payload,
                          const PublishOptions& options) {
  mqtt::Publish packet;
  packet.topic = topic;
  packet.payload = payload;
  packet.qos = static_cast<mqtt::Qos>(options.qos);
  packet.retain = options.retain;
  packet.message_expiry_s = options.expiry_s;
  packet.properties = options.properties;
  if (options.qos != 0) {
    packet.packet_id = options.packet_id != 0 ? options.packet_id : client.next_packet_id++;
    if (client.next_packet_id == 0) client.next_packet_id = 1;
  }
  Session& session = *active_->session(client.session);
  decide_publish(*active_, policy, session, topic, packet, publish_);
  Published1 result{publish_.refusal, publish_.duplicate, publish_.recorded, packet.packet_id, {}};
  if (result.refusal != mqtt::Reason::success || result.duplicate) return result;
  for (const SharedPick& pick : publish_.record.picks) result.picks.emplace_back(pick.session, pick.filter);
  MessageView view = publish_.record.message;
  view.published_at = time_;
  if (observer != nullptr) observer->before_message(view, session.id, publish_.record.picks);
  const std::uint64_t lsn = append(publish_.recorded, publish_.record);
  Applying to = applying(lsn);
  apply(to, publish_.record, packet.packet_id);
  show();
  if (observer != nullptr) observer->after_message(view, session.id, publish_.record.picks);
  return result;
}

void World::pubrel(Client& client, std::uint16_t packet_id) {
  const Session& session = *active_->session(client.session);
  const Released record{client.session, packet_id};
  const std::uint64_t lsn = append(session.durable, record);
  Applying to = applying(lsn);
  apply(to, record);
  show();
}

AckMeaning World::ack(Client& client, mqtt::Type type, std::uint16_t packet_id, bool refused) {
  mqtt::Ack packet;
  packet.type = type;
  packet.packet_id = packet_id;
  packet.reason = refused ? mqtt::Reason::quota_exceeded : mqtt::Reason::success;
  const Session& session = *active_->session(client.session);
  Sequence at = 0;
  const AckMeaning meaning = decide_ack(session, packet, at);
  if (meaning != AckMeaning::progress) return meaning;
  const Acked record{session.id, packet_id, type, refused};
  const std::uint64_t lsn = append(session.durable, record);
  Applying to = applying(lsn);
  apply(to, record);
  show();
  return meaning;
}

std::vector<std::string> World::drain(Client& client) {
  std::vector<std::string> payloads;
  while (!client.events.empty()) {
    const Event event = std::move(client.events.front());
    client.events.pop_front();
    if (event.kind == EffectKind::publish) {
      payloads.push_back(event.payload);
      if (event.qos == 1) ack(client, mqtt::Type::puback, event.packet_id);
      if (event.qos == 2) ack(client, mqtt::Type::pubrec, event.packet_id);
    } else if (event.kind == EffectKind::ack && event.ack == mqtt::Type::pubrel) {
      ack(client, mqtt::Type::pubcomp, event.packet_id);
    }
  }
  return payloads;
}

void World::do_what_is_due() {
  std::string name;
  while (const std::optional<Record> due = decide_due(*active_, time_, name)) {
    if (observer != nullptr) observer->on_due(*due);
    if (const auto* fired = std::get_if<WillFired>(&*due)) {
      fire_will(*fired);
      continue;
    }
    if (const auto* ended = std::get_if<SessionEnded>(&*due)) hand_on(session_ended_by(*active_, *ended));
    const std::uint64_t lsn = append(true, *due);
    Applying to = applying(lsn);
    core::apply(to, *due);
    show();
  }
}

void World::advance_ms(std::int64_t ms) {
  end_turn();
  time_ = time_.plus_ms(ms);
  do_what_is_due();
  end_turn();
}

void World::end_turn() {
  if (open_count_ == 0) return;
  Batch batch;
  batch.first = Lsn{last_lsn_ - open_count_ + 1};
  batch.count = open_count_;
  batch.epoch = epoch_;
  batch.time = time_;
  batch.bytes = std::exchange(open_, std::make_shared<ByteBuffer>());
  open_count_ = 0;
  log_.push_back(batch);
  replay(*standby_, batch);
}

void World::begin_reign() {
  end_turn();
  active_->drop_transient_sessions();
  for (auto& client : clients_) client->connection = {};
  ++epoch_.number;
  const EpochBegan record{epoch_, policy.will_grace_s};
  const std::uint64_t lsn = append(true, Record(record));
  Applying to = applying(lsn);
  apply(to, record);
  show();
}

std::unique_ptr<World> World::fork() {
  end_turn();
  auto other = std::make_unique<World>(clients_.size());
  other->policy = policy;
  other->active_ = std::make_unique<State>();
  other->standby_ = std::make_unique<State>();
  for (const Batch& batch : log_) {
    replay(*other->active_, batch);
    replay(*other->standby_, batch);
  }
  other->log_ = log_;
  other->open_ = std::make_shared<ByteBuffer>();
  other->open_count_ = 0;
  other->last_lsn_ = last_lsn_;
  other->time_ = time_;
  other->epoch_ = Epoch{epoch_.number, NodeId{8}, 43};
  other->begin_reign();
  return other;
}

MergeEnd World::merge(ForkIndex& fork, const TailFact& given, MergeReport& report) {
  Result<MergeFact> fact = decode_fact(given.bytes);
  if (!fact.ok()) FAIL(fact.error().message);
  decide_reconciled(*active_, fork, policy, given.origin, fact.value(), time_, reconcile_);
  report.add(fact.value(), reconcile_);
  if (reconcile_.end == MergeEnd::already) return reconcile_.end;
  const std::uint64_t lsn = append(true, Record(reconcile_.record));
  Applying to = applying(lsn);
  apply(to, reconcile_.record);
  show();
  return reconcile_.end;
}

void World::each_record(Lsn behind, const std::function<void(Epoch, Lsn, Instant, const Record&)>& each) {
  end_turn();
  for (const Batch& batch : log_) {
    ByteReader reader(*batch.bytes);
    Lsn lsn = batch.first;
    for (std::uint32_t i = 0; i < batch.count; ++i, lsn = lsn.next()) {
      const Result<Record> record = decode_record(reader);
      if (!record.ok()) FAIL(record.error().message);
      if (lsn > behind) each(batch.epoch, lsn, batch.time, record.value());
    }
  }
}

void World::take_over(std::unique_ptr<State> rebuilt) {
  end_turn();
  active_ = std::move(standby_);
  standby_ = std::move(rebuilt);
  if (!standby_) {
    standby_ = std::make_unique<State>();
    for (const Batch& batch : log_) replay(*standby_, batch);
  }
  begin_reign();
  do_what_is_due();
}

void World::check(bool thorough) {
  end_turn();
  for (std::size_t t = 0; t < table_count; ++t) {
    const auto table = static_cast<Table>(t);
    if (active_->digest().summary(table) != standby_->digest().summary(table)) FAIL(table_name(table));
  }
  if (!(active_->due() == standby_->due())) FAIL("the boxes disagree on what is due");
  if (!thorough) return;
  if (!(recompute_digest(*active_) == active_->digest())) FAIL("the active's digest has drifted");
  if (!(recompute_digest(*standby_) == standby_->digest())) FAIL("the standby's digest has drifted");
  REQUIRE_EQ(describe(*active_), describe(*standby_));
}

}  // namespace tandem::core::test
