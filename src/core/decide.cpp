// Packets of clients, and time, to records or refusals.
#include "core/decide.hpp"

#include <algorithm>

#include "mqtt/codec.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

namespace {

WillView will_of(const mqtt::Will& packet) {
  WillView will;
  will.delay_s = packet.delay_s;
  will.message.topic = packet.topic;
  will.message.payload = packet.payload;
  will.message.properties = packet.forwarded_properties;
  will.message.qos = packet.qos;
  will.message.retain = packet.retain;
  will.message.expiry_s = packet.message_expiry_s.value_or(no_expiry);
  return will;
}

// limits.max_connections_per_user; the client itself may be there already.
bool too_many_of(const State& state, const Policy& policy, const Asker& asker) {
  if (policy.max_connections_per_user == 0 || asker.username.empty()) return false;
  const auto& connected = state.connected_sessions();
  return std::count_if(connected.begin(), connected.end(), [&](const Session* session) {
           return session->username == asker.username && session->client_id != asker.client_id;
         }) >= policy.max_connections_per_user;
}

// Who has proved nothing, by password, certificate or enhanced authentication, comes in to an open broker only.
mqtt::Reason refuse_stranger(const Policy& policy, const mqtt::Connect& packet) {
  if (packet.properties.authentication_method) return mqtt::Reason::bad_authentication_method;
  if (policy.allow_anonymous) return mqtt::Reason::success;
  return packet.username ? mqtt::Reason::bad_username_or_password : mqtt::Reason::not_authorized;
}

mqtt::Reason refuse_connect(const State& state, const Policy& policy, const mqtt::Connect& packet, bool proven,
                            const Asker& asker) {
  if (packet.client_id.empty() && packet.version != mqtt::Version::v5 && !packet.clean_start) {
    return mqtt::Reason::client_identifier_not_valid;  // [MQTT311-3.1.3-8]
  }
  if (packet.client_id.size() > limits::max_client_id_bytes) return mqtt::Reason::client_identifier_not_valid;
  if (!proven) {
    if (const mqtt::Reason refusal = refuse_stranger(policy, packet); refusal != mqtt::Reason::success) return refusal;
  }
  if (packet.will &&
      (!mqtt::valid_topic_name(packet.will->topic) || packet.will->topic.starts_with(mqtt::sys_prefix))) {
    return mqtt::Reason::topic_name_invalid;
  }
  if (!state.access().may_use(asker.username, asker.client_id)) return mqtt::Reason::not_authorized;
  if (packet.will && !state.access().may(Right::write, asker, packet.will->topic)) return mqtt::Reason::not_authorized;
  const bool full = policy.memory_full || state.sessions().size() >= policy.max_sessions;
  if (full && state.session_of(packet.client_id) == nullptr) return mqtt::Reason::quota_exceeded;
  if (too_many_of(state, policy, asker)) return mqtt::Reason::quota_exceeded;
  return mqtt::Reason::success;
}

// [MQTT5-3.2.2-21]: the longest that this broker allows, in seconds; 0 (never silent for too long) is longer than any.
std::uint16_t keep_alive_of(const Policy& policy, const mqtt::Connect& packet) {
  const std::uint16_t most = policy.max_keep_alive_s;
  const bool own =
      most == 0 || packet.version != mqtt::Version::v5 || (packet.keep_alive_s != 0 && packet.keep_alive_s <= most);
  return own ? packet.keep_alive_s : most;
}

// Where a client that asks may expect its answers. Its id may hold what a topic name may not ([MQTT5-3.3.2-2]).
std::string response_topic_of(const Policy& policy, const mqtt::Connect& packet, std::string_view client_id) {
  if (packet.properties.request_response_information.value_or(0) == 0 || policy.response_prefix.empty()) return {};
  std::string topic = policy.response_prefix + std::string(client_id);
  return mqtt::valid_topic_name(topic) ? topic : std::string();
}

// Does the message change durable State, so that it needs a record?
bool changes_durable(const Match& match, const Published& record, const Session& publisher) {
  if (record.message.retain || (record.held_id != 0 && publisher.durable)) return true;
  if (record.message.qos == mqtt::Qos::at_most_once) return false;
  if (match.durable_qos != mqtt::Qos::at_most_once) return true;
  return std::any_of(record.picks.begin(), record.picks.end(),
                     [](const SharedPick& pick) { return (pick.session & transient_bit) == 0; });
}

}  // namespace

bool touches_durable(const State& state, std::string_view client_id) {
  const Session* session = state.session_of(client_id);
  return (session != nullptr && session->durable) || state.wills().contains(client_id);
}

void decide_connect(const State& state, const Policy& policy, const mqtt::Connect& packet, std::string_view random_id,
                    Instant now, ConnectVerdict& verdict, std::optional<std::string_view> proven) {
  verdict = {};
  const bool v5 = packet.version == mqtt::Version::v5;
  Connected& r = verdict.record;
  r.client_id = packet.client_id;
  if (packet.client_id.empty()) {  // [MQTT5-3.1.3-6], [MQTT5-3.2.2-16]
    verdict.generated_id = "auto-" + std::string(random_id);
    r.client_id = verdict.generated_id;
  }
  r.username = proven ? *proven : packet.username.value_or(std::string_view{});
  verdict.refusal = refuse_connect(state, policy, packet, proven.has_value(), {r.username, r.client_id});
  if (verdict.refusal != mqtt::Reason::success) return;
  r.clean_start = packet.clean_start;
  r.version = packet.version;
  r.keep_alive_s = keep_alive_of(policy, packet);
  verdict.shorter_keep_alive = r.keep_alive_s != packet.keep_alive_s;
  verdict.response_topic = response_topic_of(policy, packet, r.client_id);
  r.session_expiry_s = v5 ? packet.properties.session_expiry_s.value_or(0) : packet.clean_start ? 0 : never_expires;
  const std::uint16_t window = v5 ? packet.properties.receive_maximum.value_or(65'535) : policy.v3_in_flight;
  r.receive_maximum = std::min<std::uint16_t>(window, 65'000);  // Queue: ids stay unique
  r.max_packet_bytes = v5 ? packet.properties.maximum_packet_bytes.value_or(0xFFFFFFFF) : 0xFFFFFFFF;
  r.max_queue_messages = policy.max_queue_messages;
  r.max_queue_bytes = policy.max_queue_bytes;
  if (policy.common_level >= 2) r.queue_policy = policy.queue_policy;
  if (packet.will) r.will = will_of(*packet.will);
  const Session* session = state.session_of(r.client_id);
  const bool older = session != nullptr && session->durable;
  r.resumed = older && !packet.clean_start && !session->ended_by(now);
  r.durable = r.session_expiry_s != 0 || r.resumed;
  if (r.durable) r.session = r.resumed ? session->id : state.globals().next_session;
  if (older && !r.resumed) r.ended = session->id;
  verdict.recorded = r.durable || r.will.has_value() || touches_durable(state, r.client_id);
}

Subscription* choose_member(const AccessRules& access, std::string_view topic, SharedGroup& group,
                            const Session* except) {
  const std::size_t count = group.members.size();
  const std::size_t first = group.cursor;
  Subscription* fallback = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    Subscription* member = group.members[(first + i) % count];
    const Session& session = *member->session;
    if (&session == except) continue;
    if (access.in_force() && !access.may(Right::read, {session.username, session.client_id}, topic)) continue;
    if (session.connected && session.queue.waiting() == 0 && session.queue.window_open(session.receive_maximum)) {
      group.cursor = (first + i + 1) % count;
      return member;
    }
    if (fallback == nullptr || (session.connected && !fallback->session->connected)) fallback = member;
  }
  group.cursor = (first + 1) % count;
  return fallback;
}

void choose_members(const AccessRules& access, const Match& match, std::vector<SharedPick>& picks) {
  for (SharedGroup* group : match.groups) {
    const Subscription* member = choose_member(access, match.topic, *group);
    if (member != nullptr) picks.push_back({member->session->id, member->filter});
  }
}

namespace {

// Asked once a topic that the client stays at, not once a message.
bool may_write(const AccessRules& access, Session& session) {
  RecentMatch& recent = session.recent;
  if (recent.write_asked_in != access.changes()) {
    recent.write_asked_in = access.changes();
    recent.may_write = access.may(Right::write, {session.username, session.client_id}, recent.match->topic);
  }
  return recent.may_write;
}

}  // namespace

namespace {

bool room_for_retained(const State& state, const Policy& policy, std::string_view topic, const mqtt::Publish& packet) {
  const RetainedTable::Entry* const present = state.retained_at(topic);
  const bool known = present != nullptr;
  const std::size_t before = known ? present->second.message->bytes() : 0;
  const std::size_t after = state.retained_bytes() - before + topic.size() + packet.payload.size();
  return (known || state.retained().size() < policy.max_retained) && after <= policy.max_retained_bytes;
}

}  // namespace

void decide_publish(State& state, const Policy& policy, Session& session, std::string_view topic,
                    const mqtt::Publish& packet, PublishVerdict& verdict) {
  verdict.refusal = mqtt::Reason::success;
  verdict.duplicate = packet.qos == mqtt::Qos::exactly_once && session.holds(packet.packet_id);
  verdict.recorded = false;
  if (verdict.duplicate) return;              // [MQTT5-4.3.3-10]
  if (topic.starts_with(mqtt::sys_prefix)) {  // U-43
    verdict.refusal = mqtt::Reason::not_authorized;
    return;
  }
  if (packet.retain && !packet.payload.empty() && !room_for_retained(state, policy, topic, packet)) {
    verdict.refusal = mqtt::Reason::quota_exceeded;  // T-55
    return;
  }
  Published& r = verdict.record;
  r.publisher = session.id;
  r.from = &session;
  r.held_id = packet.qos == mqtt::Qos::exactly_once ? packet.packet_id : std::uint16_t{0};
  r.message.topic = topic;
  r.message.payload = packet.payload;
  r.message.qos = packet.qos;
  r.message.retain = packet.retain;
  r.message.expiry_s = packet.message_expiry_s.value_or(no_expiry);
  r.message.properties = packet.properties;
  if (packet.filtered) {
    verdict.properties.clear();
    mqtt::forwarded_properties(packet.properties, verdict.properties);
    r.message.properties = verdict.properties;
  }
  const Match& match = state.routing().match(topic, session.recent);
  if (!may_write(state.access(), session)) {  // [MQTT5-3.3.5-2], T-48
    verdict.refusal = mqtt::Reason::not_authorized;
    return;
  }
  r.match = &match;
  r.picks.clear();
  if (!match.groups.empty()) choose_members(state.access(), match, r.picks);
  verdict.recorded = changes_durable(match, r, session);
  if (verdict.recorded && policy.memory_full && !packet.payload.empty()) {
    verdict.refusal = mqtt::Reason::quota_exceeded;
  }
}

namespace {

mqtt::Reason check_filter(const AccessRules& access, const Policy& policy, const Session& session,
                          const mqtt::SubscriptionRequest& request, std::size_t added, bool& protocol_error) {
  std::string_view filter = request.filter;
  if (const auto shared = mqtt::parse_shared(filter)) {
    if (shared->filter.empty()) return mqtt::Reason::topic_filter_invalid;  // [MQTT5-4.8.2-1, -2]
    if (request.options.no_local) protocol_error = true;
    filter = shared->filter;
  }
  if (!mqtt::valid_topic_filter(filter)) return mqtt::Reason::topic_filter_invalid;
  if (session.subscriptions.size() + added >= policy.max_subscriptions_per_session &&
      !session.subscriptions.contains(request.filter)) {
    return mqtt::Reason::quota_exceeded;
  }
  if (!access.may(Right::read, {session.username, session.client_id}, filter)) return mqtt::Reason::not_authorized;
  return static_cast<mqtt::Reason>(request.options.qos);
}

}  // namespace

SubscribeVerdict decide_subscribe(const AccessRules& access, const Policy& policy, const Session& session,
                                  const mqtt::Subscribe& packet) {
  SubscribeVerdict verdict;
  verdict.record.session = session.id;
  verdict.record.subscription_identifier = packet.properties.subscription_identifier.value_or(0);
  for (const mqtt::SubscriptionRequest& request : packet.requests) {
    const mqtt::Reason reason =
        check_filter(access, policy, session, request, verdict.record.subscriptions.size(), verdict.protocol_error);
    verdict.reasons.push_back(reason);
    if (!mqtt::is_error(reason)) verdict.record.subscriptions.push_back({request.filter, request.options});
  }
  return verdict;
}

UnsubscribeVerdict decide_unsubscribe(const Session& session, const mqtt::Unsubscribe& packet) {
  UnsubscribeVerdict verdict;
  verdict.record.session = session.id;
  for (const std::string_view filter : packet.filters) {
    const bool again =
        std::find(verdict.record.filters.begin(), verdict.record.filters.end(), filter) != verdict.record.filters.end();
    const bool existed = session.subscriptions.contains(filter) && !again;
    verdict.reasons.push_back(existed ? mqtt::Reason::success : mqtt::Reason::no_subscription_existed);
    if (existed) verdict.record.filters.push_back(filter);
  }
  return verdict;
}

AckMeaning decide_ack(const Session& session, const mqtt::Ack& packet, Sequence& at) {
  const bool pubrec = packet.type == mqtt::Type::pubrec;
  const AckMeaning unknown =
      pubrec && !mqtt::is_error(packet.reason) ? AckMeaning::unknown_pubrec : AckMeaning::nothing;
  if (!session.queue.find(packet.packet_id, at)) return unknown;
  const QueueEntry& entry = session.queue.at(at);
  if (!entry.in_flight || entry.done) return unknown;
  switch (packet.type) {
    case mqtt::Type::puback:
      return entry.qos == 1 ? AckMeaning::progress : AckMeaning::nothing;
    case mqtt::Type::pubrec:
      if (entry.qos != 2) return AckMeaning::nothing;
      if (!entry.released) return AckMeaning::progress;
      return mqtt::is_error(packet.reason) ? AckMeaning::nothing : AckMeaning::repeat_pubrel;
    case mqtt::Type::pubcomp:
      return entry.qos == 2 && entry.released ? AckMeaning::progress : AckMeaning::nothing;
    default:
      return AckMeaning::nothing;
  }
}

std::optional<Record> decide_due(State& state, Instant now, std::string& name) {
  const auto item = state.due().next(now);
  if (!item) return std::nullopt;
  name = item->name;
  switch (item->kind) {
    case DueKind::session:
      if (const Session* session = state.session(item->session)) name = session->client_id;
      return SessionEnded{item->session, name};
    case DueKind::retained:
      return RetainedExpired{name};
    case DueKind::will: {
      WillFired fired;
      fired.client_id = name;
      const auto will = state.wills().find(name);
      if (will != state.wills().end()) {
        choose_members(state.access(), state.routing().match(will->second.message->view().topic), fired.picks);
      }
      return fired;
    }
  }
  return std::nullopt;
}

}  // namespace tandem::core
