#include "model.hpp"

#include "doctest.hpp"

#include <algorithm>

#include "mqtt/topic.hpp"

namespace tandem::core::test {

void ClientModel::end_session() {
  has_session = durable = false;
  flows.clear();
  order.clear();
  to_resend.clear();
  owed.clear();
  held.clear();
  subscriptions.clear();
}

void ClientModel::connection_lost() {
  for (auto& [id, flow] : flows) flow.on_connection = false;
  to_resend.clear();
  if (!durable || expiry_s == 0) end_session();
}

Model::Model(World& world) : world_(world) {
  for (std::size_t i = 0; i < world.client_count(); ++i) {
    clients_.emplace_back();
    clients_.back().client = &world.client(i);
  }
  before_.resize(clients_.size());
  world.observer = this;
}

void Model::connect(Client& client, const ConnectOptions& options) {
  ClientModel& model = of(client);
  if (client.connected()) {  // the older connection ends first
    read(model);
    model.connection_lost();
  }
  const bool present = model.has_session && model.durable && !options.clean_start;
  REQUIRE_EQ(world_.connect(client, options), mqtt::Reason::success);
  if (!present) model.end_session();
  const bool v5 = options.version == mqtt::Version::v5;
  model.has_session = true;
  model.expiry_s = v5 ? options.expiry_s : options.clean_start ? 0 : never_expires;
  model.durable = model.expiry_s != 0 || present;
  model.window = v5 ? options.receive_maximum.value_or(65'535) : world_.policy.v3_in_flight;
  model.small_packets = options.max_packet_bytes.has_value();
  model.to_resend.assign(model.order.begin(), model.order.end());
  if (model.small_packets) {
    for (Owed& owed : model.owed) owed.may_vanish = true;
    for (auto& [id, flow] : model.flows) flow.may_vanish = flow.may_vanish || flow.payload.size() > 100;
  }
  const auto connack = std::find_if(client.events.begin(), client.events.end(),
                                    [](const Event& e) { return e.kind == EffectKind::connack; });
  REQUIRE(connack != client.events.end());
  REQUIRE_EQ(connack->session_present, present);
  client.events.erase(client.events.begin(), connack + 1);  // a will of its own may have reached the older connection
}

void Model::disconnect(Client& client, bool by_packet, mqtt::Reason reason) {
  ClientModel& model = of(client);
  model.connection_lost();
  if (by_packet)
    world_.disconnect(client, reason);
  else
    world_.lose(client);
}

void Model::everyone_lost() {
  for (ClientModel& model : clients_) model.connection_lost();
}

void Model::subscribe(Client& client, const std::string& filter, const SubscribeOptions& options) {
  ClientModel& model = of(client);
  note_before();
  const auto reasons = world_.subscribe(client, filter, options);
  REQUIRE_EQ(reasons.size(), 1);
  if (mqtt::is_error(reasons[0])) return;
  const bool existed = model.subscriptions.contains(filter);
  model.subscriptions[filter] = options;
  std::vector<Owed> copies;
  const bool wanted = options.retain_handling == mqtt::RetainHandling::always ||
                      (options.retain_handling == mqtt::RetainHandling::if_new && !existed);
  if (wanted && !mqtt::parse_shared(filter)) {
    for (const auto& [topic, kept] : retained_) {
      if (!mqtt::topic_matches(filter, topic)) continue;
      Owed copy{topic,
                kept.payload,
                kept.properties,
                std::min(options.qos, kept.qos),
                true,
                {},
                kept.expires || model.small_packets};
      if (options.identifier != 0) copy.identifiers.push_back(options.identifier);
      copies.push_back(std::move(copy));
    }
  }
  settle_copies(model, copies, Source::several_messages);
}

void Model::unsubscribe(Client& client, const std::string& filter) {
  const bool existed = of(client).subscriptions.erase(filter) == 1;
  const auto reasons = world_.unsubscribe(client, filter);
  REQUIRE_EQ(reasons.size(), 1);
  REQUIRE_EQ(reasons[0], existed ? mqtt::Reason::success : mqtt::Reason::no_subscription_existed);
}

void Model::publish(Client& client, const std::string& topic, const std::string& payload,
                    const PublishOptions& options) {
  ClientModel& model = of(client);
  const bool repeat = options.qos == 2 && model.held.contains(options.packet_id);
  const Published1 result = world_.publish(client, topic, payload, options);
  REQUIRE_EQ(result.duplicate, repeat);
  const bool too_many = options.retain && !payload.empty() && retained_.size() >= world_.policy.max_retained &&
                        !retained_.contains(topic);
  if (!repeat && result.refusal != mqtt::Reason::success) REQUIRE(too_many);
  if (options.qos == 2 && !repeat && result.refusal == mqtt::Reason::success) {
    model.held[result.packet_id] = {topic, payload};
  }
}

void Model::release(Client& client, std::uint16_t packet_id) {
  const bool known = of(client).held.erase(packet_id) == 1;
  world_.pubrel(client, packet_id);
  REQUIRE_FALSE(client.events.empty());
  const Event& answer = client.events.back();
  REQUIRE_EQ(answer.ack, mqtt::Type::pubcomp);
  REQUIRE_EQ(answer.reason, known ? mqtt::Reason::success : mqtt::Reason::packet_identifier_not_found);
}

void Model::finish(ClientModel& model, std::uint16_t packet_id) {
  model.flows.erase(packet_id);
  std::erase(model.order, packet_id);
}

void Model::resend_reaches(ClientModel& model, std::uint16_t packet_id) {
  while (!model.to_resend.empty()) {
    const std::uint16_t id = model.to_resend.front();
    if (id == packet_id) {
      model.to_resend.pop_front();
      return;
    }
    REQUIRE(model.flows.at(id).may_vanish);
    REQUIRE_FALSE(model.flows.at(id).received);
    model.to_resend.pop_front();
    finish(model, id);
  }
  REQUIRE_EQ(packet_id, 0);
}

void Model::answer(Client& client, Random& random) {
  ClientModel& model = of(client);
  if (random.one_in(20)) {  // an id that nobody knows, or that is not in flight on this connection
    const auto id = static_cast<std::uint16_t>(random.below(65'535) + 1);
    if (model.flows.contains(id)) return;
    const mqtt::Type types[] = {mqtt::Type::puback, mqtt::Type::pubrec, mqtt::Type::pubcomp};
    const mqtt::Type type = random.pick(types, 3);
    REQUIRE_EQ(world_.ack(client, type, id),
               type == mqtt::Type::pubrec ? AckMeaning::unknown_pubrec : AckMeaning::nothing);
    return;
  }
  std::vector<std::uint16_t> open;
  for (const auto& [id, flow] : model.flows) {
    if (flow.on_connection) open.push_back(id);
  }
  if (open.empty()) return;
  const std::uint16_t id = random.one_in(3) ? random.of(open) : open.front();
  Flow& flow = model.flows[id];
  if (random.one_in(20)) {  // the wrong kind
    REQUIRE_EQ(world_.ack(client, flow.qos == 1 ? mqtt::Type::pubcomp : mqtt::Type::puback, id), AckMeaning::nothing);
    return;
  }
  if (flow.qos == 1) {
    finish(model, id);
    REQUIRE_EQ(world_.ack(client, mqtt::Type::puback, id, random.one_in(10)), AckMeaning::progress);
  } else if (!flow.received) {
    const bool refused = random.one_in(10);
    if (refused)
      finish(model, id);
    else
      flow.received = true;
    REQUIRE_EQ(world_.ack(client, mqtt::Type::pubrec, id, refused), AckMeaning::progress);
    if (refused) return;
    REQUIRE_EQ(client.events.back().ack, mqtt::Type::pubrel);
    REQUIRE_EQ(client.events.back().packet_id, id);
    client.events.pop_back();
  } else if (random.one_in(10)) {
    REQUIRE_EQ(world_.ack(client, mqtt::Type::pubrec, id), AckMeaning::repeat_pubrel);
  } else {
    finish(model, id);
    REQUIRE_EQ(world_.ack(client, mqtt::Type::pubcomp, id), AckMeaning::progress);
  }
}

void Model::on_due(const Record& record) {
  if (const auto* expired = std::get_if<RetainedExpired>(&record)) {
    const auto found = retained_.find(std::string(expired->topic));
    REQUIRE(found != retained_.end());
    REQUIRE(found->second.expires);
    retained_.erase(found);
  }
  if (const auto* ended = std::get_if<SessionEnded>(&record)) {
    for (ClientModel& model : clients_) {
      if (model.client->session != ended->session) continue;
      REQUIRE_FALSE(model.client->connected());
      model.end_session();
    }
  }
}

// --- messages
// ---------------------------------------------------------------------------------------------------------

void Model::note_before() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const Session* session = world_.session(*clients_[i].client);
    before_[i] = {};
    before_[i].events = clients_[i].client->events.size();
    if (session == nullptr) continue;
    before_[i].tail = session->queue.tail();
    before_[i].dropped = session->dropped;
  }
}

void Model::before_message(const MessageView& /*message*/, SessionId /*publisher*/,
                           const std::vector<SharedPick>& /*picks*/) {
  note_before();
}

std::vector<Owed> Model::copies_for(const ClientModel& model, const MessageView& message, SessionId publisher,
                                    const std::vector<SharedPick>& picks) const {
  std::vector<Owed> copies;
  Owed copy{
      std::string(message.topic), std::string(message.payload), std::string(message.properties), 0, false, {}, false};
  copy.may_vanish = message.expiry_s != no_expiry || model.small_packets;
  Owed merged = copy;
  bool any = false;
  for (const auto& [filter, options] : model.subscriptions) {
    if (mqtt::parse_shared(filter) || !mqtt::topic_matches(filter, message.topic)) continue;
    if (options.no_local && publisher == model.client->session) continue;
    any = true;
    merged.qos = std::max(merged.qos, options.qos);
    merged.retain = merged.retain || (options.retain_as_published && message.retain);
    if (options.identifier != 0) merged.identifiers.push_back(options.identifier);
  }
  merged.qos = std::min(merged.qos, static_cast<unsigned>(message.qos));
  if (any) copies.push_back(merged);
  for (const SharedPick& pick : picks) {
    if (pick.session != model.client->session) continue;
    const SubscribeOptions& options = model.subscriptions.at(std::string(pick.filter));
    Owed picked = copy;
    picked.qos = std::min(options.qos, static_cast<unsigned>(message.qos));
    picked.retain = options.retain_as_published && message.retain;
    if (options.identifier != 0) picked.identifiers.push_back(options.identifier);
    copies.push_back(picked);
  }
  return copies;
}

void Model::check_picks(const MessageView& message, const std::vector<SharedPick>& picks) const {
  std::set<std::string> groups;
  for (const ClientModel& model : clients_) {
    for (const auto& [filter, options] : model.subscriptions) {
      const auto shared = mqtt::parse_shared(filter);
      if (shared && mqtt::topic_matches(shared->filter, message.topic)) groups.insert(filter);
    }
  }
  std::set<std::string> picked;
  for (const SharedPick& pick : picks) REQUIRE(picked.insert(std::string(pick.filter)).second);
  REQUIRE(groups == picked);
}

void Model::after_message(const MessageView& message, SessionId publisher, const std::vector<SharedPick>& picks) {
  check_picks(message, picks);
  for (ClientModel& model : clients_) {
    if (!model.has_session) continue;
    settle_copies(model, copies_for(model, message, publisher, picks), Source::one_message);
  }
  if (message.retain) keep_retained(message);
}

void Model::after_hand_on(const MessageView& message, const SharedPick& to) {
  for (ClientModel& model : clients_) {
    if (!model.has_session || model.client->session != to.session) continue;
    std::vector<Owed> copies = copies_for(model, message, 0, {to});
    settle_copies(model, {copies.back()}, Source::one_message);  // the plain ones it has had
  }
}

void Model::keep_retained(const MessageView& message) {
  const std::string topic(message.topic);
  if (message.payload.empty()) {
    retained_.erase(topic);
    return;
  }
  retained_[topic] = {std::string(message.payload), std::string(message.properties), static_cast<unsigned>(message.qos),
                      message.expiry_s != no_expiry};
}

void Model::settle_copies(ClientModel& model, const std::vector<Owed>& copies, Source source) {
  const Before& before = before_[model.client->slot];
  const Session* session = world_.session(*model.client);
  REQUIRE_NE(session, nullptr);
  const std::uint64_t kept = session->queue.tail() - before.tail;
  const std::uint64_t dropped = session->dropped - before.dropped;
  std::uint64_t wanted = 0;
  std::size_t at_once = 0;
  for (const Owed& copy : copies) {
    if (copy.qos == 0)
      ++at_once;
    else
      ++wanted;
  }
  REQUIRE_EQ(kept + dropped, wanted);
  if (dropped != 0) {
    const Queue& queue = session->queue;
    REQUIRE((queue.waiting() >= session->max_queue_messages || queue.bytes() + 1000 > session->max_queue_bytes));
  }
  std::uint64_t left = source == Source::one_message ? kept : wanted;
  for (Owed copy : copies) {
    if (copy.qos == 0 || left == 0) continue;
    --left;
    if (source == Source::several_messages && dropped != 0) copy.may_vanish = true;
    std::sort(copy.identifiers.begin(), copy.identifiers.end());
    model.owed.push_back(std::move(copy));
  }
  std::size_t seen = 0;
  const auto& events = model.client->events;
  for (std::size_t i = before.events; i < events.size(); ++i) {
    if (events[i].kind == EffectKind::publish && events[i].qos == 0) ++seen;
  }
  if (!model.client->connected())
    REQUIRE_EQ(seen, 0);
  else if (model.small_packets)
    REQUIRE_LE(seen, at_once);
  else
    REQUIRE_EQ(seen, at_once);
}

// --- what clients read
// ------------------------------------------------------------------------------------------------

void Model::read_all() {
  for (ClientModel& model : clients_) read(model);
}

void Model::read(ClientModel& model) {
  for (const Event& event : model.client->take()) {
    if (event.kind == EffectKind::publish && event.qos != 0) read_publish(model, event);
    if (event.kind == EffectKind::ack && event.ack == mqtt::Type::pubrel) read_pubrel(model, event);
  }
  std::size_t in_flight = 0;
  for (const auto& [id, flow] : model.flows) in_flight += flow.on_connection ? 1U : 0U;
  REQUIRE_LE(in_flight, model.window);  // [MQTT5-3.3.4-9]
}

void Model::read_publish(ClientModel& model, const Event& event) {
  REQUIRE_NE(event.packet_id, 0);
  if (event.dup) {  // [MQTT5-4.4.0-1]: in the old order, before anything new
    resend_reaches(model, event.packet_id);
    Flow& flow = model.flows.at(event.packet_id);
    REQUIRE_FALSE(flow.received);
    REQUIRE_EQ(event.payload, flow.payload);
    flow.on_connection = true;
    return;
  }
  resend_reaches(model, 0);
  REQUIRE_FALSE(model.flows.contains(event.packet_id));  // [MQTT5-2.2.1-4]
  std::vector<std::uint32_t> identifiers = event.identifiers;
  std::sort(identifiers.begin(), identifiers.end());
  while (!model.owed.empty()) {
    const Owed owed = std::move(model.owed.front());
    model.owed.pop_front();
    if (owed.payload == event.payload && owed.properties == event.properties && owed.topic == event.topic &&
        owed.qos == event.qos && owed.retain == event.retain && owed.identifiers == identifiers) {
      model.flows[event.packet_id] = {event.qos, event.payload, false, true, false};
      model.order.push_back(event.packet_id);
      return;
    }
    INFO(model.client->id << " got " << event.topic << " '" << event.payload << "' qos " << event.qos << " retain "
                          << event.retain << ", was owed " << owed.topic << " '" << owed.payload << "' qos " << owed.qos
                          << " retain " << owed.retain);
    REQUIRE(owed.may_vanish);
  }
  FAIL("a client got a message that it was not owed: " << event.payload);
}

void Model::read_pubrel(ClientModel& model, const Event& event) {
  const auto flow = model.flows.find(event.packet_id);
  if (flow == model.flows.end()) return;  // frees an id that another lineage may have used; it means nothing
  REQUIRE(flow->second.received);
  if (flow->second.on_connection) return;  // an answer to a repeated PUBREC
  resend_reaches(model, event.packet_id);
  flow->second.on_connection = true;
}

// --- checks
// -----------------------------------------------------------------------------------------------------------

void check_queue(const Session& session) {
  const Queue& q = session.queue;
  REQUIRE_LE(q.head(), q.cursor());
  REQUIRE_LE(q.cursor(), q.tail());
  REQUIRE_LT(q.cursor() - q.head(), Queue::packet_ids);
  std::uint32_t in_flight = 0;
  std::uint64_t bytes = 0;
  for (Sequence at = q.head(); at < q.tail(); ++at) {
    const QueueEntry& e = q.at(at);
    if (at == q.head()) REQUIRE_FALSE(e.done);
    if (at < q.cursor())
      REQUIRE_NE(e.in_flight, e.done);
    else
      REQUIRE_FALSE(e.in_flight);
    if (at == q.cursor()) REQUIRE_FALSE(e.done);
    if (e.done)
      REQUIRE_FALSE(static_cast<bool>(e.message));
    else if (session.durable)
      REQUIRE(static_cast<bool>(e.message));
    in_flight += e.in_flight ? 1U : 0U;
    if (e.message) bytes += e.message->bytes();
  }
  REQUIRE_EQ(in_flight, q.in_flight());
  REQUIRE_EQ(bytes, q.bytes());
  if (!session.connected) return;
  REQUIRE_LE(q.in_flight(), session.receive_maximum);
  if (q.waiting() != 0) REQUIRE_FALSE(q.window_open(session.receive_maximum));
}

void Model::check_state(const State& state) const {
  for (const auto& [id, session] : state.sessions()) check_queue(*session);
  REQUIRE_EQ(state.retained().size(), retained_.size());
  for (const auto& [topic, kept] : retained_) {
    const auto found = state.retained().find(topic);
    REQUIRE(found != state.retained().end());
    REQUIRE_EQ(std::string(found->second.message->view().payload), kept.payload);
  }
  for (const ClientModel& model : clients_) {
    const Session* session = state.session_of(model.client->id);
    if (session == nullptr || !session->durable) {
      REQUIRE_FALSE((model.has_session && model.durable));
      continue;
    }
    REQUIRE(model.has_session);
    REQUIRE_EQ(session->subscriptions.size(), model.subscriptions.size());
    for (const auto& [filter, options] : model.subscriptions) REQUIRE(session->subscriptions.contains(filter));
    REQUIRE_EQ(session->held_ids.size(), model.held.size());
  }
}

void Model::settle() {
  Random random(1);
  for (ClientModel& model : clients_) {
    if (!model.has_session) continue;
    Client& client = *model.client;
    if (!client.connected()) {
      connect(client, durable());
      read_all();
    }
    const bool all_are_sent = model.flows.size() < model.window;
    if (all_are_sent) resend_reaches(model, 0);
    for (int i = 0; i < 10'000 && !model.flows.empty(); ++i) {
      answer(client, random);
      read_all();
    }
    REQUIRE(model.flows.empty());
    for (const Owed& owed : model.owed) REQUIRE(owed.may_vanish);
    REQUIRE_EQ(world_.session(client)->queue.size(), 0);
  }
}

}  // namespace tandem::core::test
