// From a loser's records to facts.
#include "core/tail.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "core/reconcile.hpp"
#include "core/record_parts.hpp"

namespace tandem::core {

namespace {

// Wills of the tail that are kept, and names in one fact, so that it fits into a frame. Beyond the first, a will that
// fired is told without its message; beyond the second, who had a message may get it once more; beyond the third, who
// waits for a will does not get it.
constexpr std::size_t max_will_bytes = 64 * limits::mib;
constexpr std::size_t max_had_bytes = 512 * limits::kib;
constexpr std::size_t max_waiting_bytes = 3 * limits::mib;
static_assert(max_had_bytes + limits::max_packet_bytes < limits::max_frame_bytes);

void sort_names(std::vector<std::string_view>& names, std::size_t max_bytes) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::size_t bytes = 0;
  std::size_t kept = 0;
  while (kept < names.size() && bytes < max_bytes) bytes += names[kept++].size() + 2;
  names.resize(kept);
}

// Where the queue holds a message that its client has not had.
std::optional<Sequence> place_owed(const Queue& queue, std::uint64_t message) {
  for (Sequence s = queue.head(); s < queue.tail(); ++s) {
    if (queue.at(s).owed() && queue.at(s).message->id() == message) return s;
  }
  return std::nullopt;
}

template <class List>
List without(const List& list, const std::vector<std::uint32_t>& refused) {
  List kept;
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    if (!std::binary_search(refused.begin(), refused.end(), i)) kept.push_back(list[i]);
  }
  return kept;
}

}  // namespace

// A State of its own in which subscriptions stand that were taken back within the tail, and when: who held one while a
// message came has had the message or has it in the queue.
struct TailReader::Removed {
  State index;
  std::map<std::pair<SessionId, std::string>, Lsn> at;

  void add(SessionId id, std::string_view filter, Lsn lsn) {
    Session* session = index.session(id);
    if (session == nullptr) session = &index.add_session(id, std::to_string(id), true);
    bool existed = false;
    index.put_subscription(*session, filter, {}, 0, existed);
    at[{id, std::string(filter)}] = lsn;
  }
  template <class Each>
  void each_after(Lsn message, std::string_view topic, Each each) {
    const Match& match = index.routing().match(topic);
    const auto held = [&](const Subscription& s) {
      const auto found = at.find({s.session->id, std::string(s.filter)});
      return found != at.end() && found->second > message;
    };
    for (const Target& target : match.targets) {
      bool any = held(*target.first);
      for (std::uint32_t i = 0; i < target.others_count; ++i) any = any || held(*match.others[target.others_begin + i]);
      if (any) each(target.session->id);
    }
  }
};

// The fact of each kind of record; nothing for the kinds that say nothing to another lineage.
struct TailReader::Body {
  TailReader& tail;
  Lsn lsn;
  const Origin& origin;
  std::vector<TailFact>& out;
  ByteBuffer will = {};

  void give(MergeFact fact) const { tail.give(std::move(fact), origin, out); }

  void operator()(const Published& r) const {
    PublishedFact f;
    f.publisher = tail.client_of(r.publisher);
    f.packet_id = f.publisher.empty() ? std::uint16_t{0} : r.held_id;
    f.released = tail.released_.contains(lsn.value);
    if (f.packet_id != 0) f.after = tail.earlier_release(r.publisher, r.held_id);
    f.message = r.message;
    if (r.message.qos != mqtt::Qos::at_most_once) {
      f.audience = tail.everyone_but(lsn, r.message.topic);
      f.groups = tail.groups_of(lsn, r.message.topic, r.picks);
    }
    give({{}, std::move(f)});
  }
  void operator()(const Released& r) const {
    tail.ended_[{r.session, r.packet_id}] = origin.time;
    const std::string_view client = tail.client_of(r.session);
    if (!client.empty()) give({{}, ReleasedFact{client, r.packet_id}});
  }
  void operator()(const Subscribed& r) const {
    const std::string_view client = tail.client_of(r.session);
    if (!client.empty()) give({{}, SubscribedFact{client, r.subscription_identifier, r.subscriptions}});
  }
  void operator()(const Unsubscribed& r) const {
    const std::string_view client = tail.client_of(r.session);
    if (!client.empty()) give({{}, UnsubscribedFact{client, r.filters}});
  }
  void operator()(const Connected& r) const {
    tail.keep_will(r.client_id, r.will);
    give({{}, ConnectedFact{r}});
  }
  void operator()(const Disconnected& r) const {
    if (!r.keep_will) tail.keep_will(r.client_id, std::nullopt);
    give({{}, DisconnectedFact{r}});
  }
  void operator()(const SessionEnded& r) const {
    const std::string_view client = tail.client_of(r.session);
    if (!client.empty()) give({{}, SessionEndedFact{client}});
  }
  void operator()(const WillFired& r) {
    WillFiredFact f;
    f.client = r.client_id;
    f.message = tail.take_will(r.client_id, will);
    if (!f.message && tail.after_state_) {  // set in the missing part, or before the fork: those who wait have it
      f.message = tail.waiting_message(lsn);
      f.audience = tail.those_waiting(lsn);
      f.groups = tail.picked(lsn, r.picks);
    } else if (f.message) {
      f.audience = tail.everyone_but(lsn, f.message->topic);
      f.groups = tail.groups_of(lsn, f.message->topic, r.picks);
    } else {  // of before the fork: only the winner can know its topic
      f.audience = tail.those_waiting(lsn);
      f.groups = tail.picked(lsn, r.picks);
    }
    give({{}, std::move(f)});
  }
  void operator()(const Acked&) const {}
  void operator()(const EpochBegan&) const {}
  void operator()(const RetainedExpired&) const {}
  // Not merged: who may do what on the winner is not changed behind its operator's back (docs/limits.md).
  void operator()(const UserSet&) const {}
  void operator()(const UserRemoved&) const {}
  void operator()(const RulesSet&) const {}
  // Its first owner has lost it (groups_of): it is the new one's, if that still waits for it.
  void operator()(const HandedOn& r) const {
    const Session* session = tail.end_.session(r.to.session);
    const std::uint64_t message = r.from != 0 ? r.message_id : lsn.value;
    if (session == nullptr || (message > tail.common_.value && message <= tail.from_state_.value)) return;
    const std::optional<Sequence> place = place_owed(session->queue, message);
    if (!place) return;
    const QueueEntry& entry = session->queue.at(*place);
    QueuedFact f;
    f.message = entry.message->view();
    f.message.retain = false;
    if (f.message.expiry_s != no_expiry) f.message.expiry_s = f.message.seconds_left(origin.time);
    const auto identifiers = session->queue.identifiers(*place);
    QueuedFact::Place& to = f.clients.emplace_back();
    to.client = session->client_id;
    to.qos = static_cast<mqtt::Qos>(entry.qos);
    to.retain = entry.retain;
    to.identifiers.assign(identifiers.begin(), identifiers.end());
    give({{}, std::move(f)});
  }
  void operator()(const Reconciled& r);

  // A fact that came here by an older RECONCILE goes on as this box understood it.
  void update(PublishedFact& f, const Reconciled& r) const {
    if ((r.outcome & merge_outcome::retained) == 0) f.message.retain = false;
    update(f.audience, f.groups, f.message.topic, r.picks);
  }
  void update(WillFiredFact& f, const Reconciled& r) {
    if (f.message) tail.keep_will(f.client, std::nullopt);
    if (!f.message) f.message = tail.take_will(f.client, will);
    if (f.message && (r.outcome & merge_outcome::retained) == 0) f.message->retain = false;
    update(f.audience, f.groups, f.message ? f.message->topic : std::string_view(), r.picks);
  }
  void update(QueuedFact& f, const Reconciled& r) const {
    if ((r.outcome & merge_outcome::retained) == 0) f.message.retain = false;
    f.clients = without(f.clients, r.refused);
    std::erase_if(f.clients, [&](const auto& place) { return !tail.waits(place.client, lsn); });
  }
  static void update(HeldFact& f, const Reconciled& r) { f.packet_ids = without(f.packet_ids, r.refused); }
  static void update(SubscribedFact& f, const Reconciled& r) { f.subscriptions = without(f.subscriptions, r.refused); }
  static void update(UnsubscribedFact& f, const Reconciled& r) { f.filters = without(f.filters, r.refused); }
  void update(ConnectedFact& f, const Reconciled& r) const {
    if ((r.outcome & merge_outcome::will) != 0) tail.keep_will(f.record.client_id, f.record.will);
  }
  void update(DisconnectedFact& f, const Reconciled& /*r*/) const {
    if (!f.record.keep_will) tail.keep_will(f.record.client_id, std::nullopt);
  }
  template <class F>
  static void update(F& /*fact*/, const Reconciled& /*r*/) {}

  void update(Audience& audience, std::vector<GroupFact>& groups, std::string_view topic,
              const std::vector<SharedPick>& picks) const {
    if (audience.only || topic.empty()) {
      audience = tail.those_waiting(lsn);
    } else {
      const Audience had = tail.everyone_but(lsn, topic);
      audience.clients.insert(audience.clients.end(), had.clients.begin(), had.clients.end());
      sort_names(audience.clients, max_had_bytes);
    }
    std::vector<GroupFact> now = topic.empty() ? tail.picked(lsn, picks) : tail.groups_of(lsn, topic, picks);
    for (const GroupFact& older : groups) {
      const bool known = std::any_of(now.begin(), now.end(), [&](const auto& g) { return g.filter == older.filter; });
      if (!known) now.push_back({older.filter, older.client, false});
    }
    groups = std::move(now);
  }
};

void TailReader::Body::operator()(const Reconciled& r) {
  if (r.outcome == 0) return;  // it changed nothing here
  Result<MergeFact> fact = decode_fact(r.fact);
  if (!fact.ok() || fact.value().kind() == FactKind::missing) return;  // decode_record() has refused such a record
  MergeFact again = fact.take();
  std::visit([&](auto& body) { update(body, r); }, again.body);
  tail.give(std::move(again), r.origin, out);
}

TailReader::TailReader(State& end, Lsn common) : end_(end), common_(common), removed_(std::make_unique<Removed>()) {}
TailReader::~TailReader() = default;

void TailReader::learn(SessionId session, std::string_view client_id) {
  if (session != 0 && end_.session(session) == nullptr) names_.try_emplace(session, client_id);
}

std::string_view TailReader::client_of(SessionId session) const {
  if (const Session* present = end_.session(session)) return present->client_id;
  const auto found = names_.find(session);
  return found == names_.end() ? std::string_view() : std::string_view(found->second);
}

// --- pass one

void TailReader::scan(Lsn lsn, Instant /*time*/, const Record& record) {
  if (lsn <= common_) return;
  if (const auto* published = std::get_if<Published>(&record)) {
    if (published->held_id != 0 && published->publisher != 0) open_[{published->publisher, published->held_id}] = lsn;
  } else if (const auto* released = std::get_if<Released>(&record)) {
    const auto open = open_.find({released->session, released->packet_id});
    if (open == open_.end()) return;
    released_.insert(open->second.value);
    open_.erase(open);
  } else if (const auto* acked = std::get_if<Acked>(&record)) {
    ++counts_.acks;
    acked_.insert(acked->session);
  } else if (const auto* connected = std::get_if<Connected>(&record)) {
    learn(connected->session, connected->client_id);
    learn(connected->ended, connected->client_id);
  } else if (const auto* ended = std::get_if<SessionEnded>(&record)) {
    learn(ended->session, ended->client_id);
  } else if (const auto* unsubscribed = std::get_if<Unsubscribed>(&record)) {
    for (const std::string_view filter : unsubscribed->filters) removed_->add(unsubscribed->session, filter, lsn);
  }
}

void TailReader::finish_scan() {
  open_.clear();
  for (const auto& [id, session] : end_.sessions()) {
    if (!session->durable) continue;
    const Queue& queue = session->queue;
    for (Sequence s = queue.head(); s < queue.tail(); ++s) {
      const QueueEntry& entry = queue.at(s);
      if (!entry.owed() || entry.message->id() <= common_.value) continue;
      waiting_[entry.message->id()].push_back(id);
    }
  }
}

void TailReader::follow_state(const Origin& at) {
  after_state_ = any_ = true;
  last_ = at;
  from_state_ = at.lsn;
  for (const auto& [id, session] : end_.sessions()) {  // which of them have acknowledged what is not known
    if (session->durable && common_.value != 0) acked_.insert(id);
  }
}

// --- who has a message, who waits for it

bool TailReader::waits(SessionId session, Lsn message) const {
  const auto found = waiting_.find(message.value);
  return found != waiting_.end() &&
         std::find(found->second.begin(), found->second.end(), session) != found->second.end();
}

bool TailReader::waits(std::string_view client_id, Lsn message) const {
  const Session* session = end_.session_of(client_id);
  return session != nullptr && waits(session->id, message);
}

Audience TailReader::everyone_but(Lsn message, std::string_view topic) {
  Audience audience;
  for (const Target& target : end_.routing().match(topic).targets) {
    const Session& session = *target.session;
    if (session.durable && !waits(session.id, message)) audience.clients.push_back(session.client_id);
  }
  removed_->each_after(message, topic, [&](SessionId id) {
    const std::string_view client = client_of(id);
    if (!client.empty() && !waits(client, message)) audience.clients.push_back(client);
  });
  sort_names(audience.clients, max_had_bytes);
  return audience;
}

Audience TailReader::those_waiting(Lsn message) const {
  Audience audience;
  audience.only = true;
  const auto found = waiting_.find(message.value);
  if (found != waiting_.end()) {
    for (const SessionId id : found->second) audience.clients.push_back(client_of(id));
  }
  sort_names(audience.clients, max_waiting_bytes);
  return audience;
}

std::optional<MessageView> TailReader::waiting_message(Lsn message) const {
  const auto found = waiting_.find(message.value);
  if (found == waiting_.end()) return std::nullopt;
  const Queue& queue = end_.session(found->second.front())->queue;
  for (Sequence s = queue.head(); s < queue.tail(); ++s) {
    const QueueEntry& entry = queue.at(s);
    if (!entry.done && entry.message && entry.message->id() == message.value) return entry.message->view();
  }
  return std::nullopt;
}

std::vector<GroupFact> TailReader::picked(Lsn message, const std::vector<SharedPick>& picks) const {
  std::vector<GroupFact> groups;
  for (const SharedPick& pick : picks) {
    groups.push_back({pick.filter, client_of(pick.session), waits(pick.session, message)});
  }
  return groups;
}

// A group without a pick in the record: a transient member had the message.
std::vector<GroupFact> TailReader::groups_of(Lsn message, std::string_view topic,
                                             const std::vector<SharedPick>& picks) {
  std::vector<GroupFact> groups = picked(message, picks);
  for (const SharedGroup* group : end_.routing().match(topic).groups) {
    const auto same = [&](const GroupFact& g) { return g.filter == group->filter; };
    if (std::none_of(groups.begin(), groups.end(), same)) groups.push_back({group->filter, {}, false});
  }
  return groups;
}

// --- wills within the tail

void TailReader::keep_will(std::string_view client_id, const std::optional<WillView>& will) {
  const auto older = wills_.find(client_id);
  if (older != wills_.end()) {
    will_bytes_ -= older->second.size();
    wills_.erase(older);
  }
  if (!will || will_bytes_ + will->message.bytes() > max_will_bytes) return;
  ByteBuffer& bytes = wills_[std::string(client_id)];
  ByteWriter out(bytes);
  put_message(will->message, out);
  will_bytes_ += bytes.size();
}

std::optional<MessageView> TailReader::take_will(std::string_view client_id, ByteBuffer& memory) {
  const auto found = wills_.find(client_id);
  if (found == wills_.end()) return std::nullopt;
  will_bytes_ -= found->second.size();
  memory = std::move(found->second);
  wills_.erase(found);
  ByteReader in(memory);
  return get_message(in);
}

// --- pass two

std::optional<Instant> TailReader::earlier_release(SessionId session, std::uint16_t packet_id) const {
  const auto found = ended_.find({session, packet_id});
  return found == ended_.end() ? std::nullopt : std::optional<Instant>(found->second);
}

void MergeCounts::add(const MergeFact& fact) {
  if (const auto* message = std::get_if<PublishedFact>(&fact.body)) {
    ++published;
    if (message->message.retain) ++retained;
  } else if (const auto* queued = std::get_if<QueuedFact>(&fact.body)) {
    ++published;
    if (queued->message.retain) ++retained;
  } else if (const auto* subscribed = std::get_if<SubscribedFact>(&fact.body)) {
    subscriptions += subscribed->subscriptions.size();
  } else if (const auto* unsubscribed = std::get_if<UnsubscribedFact>(&fact.body)) {
    unsubscriptions += unsubscribed->filters.size();
  } else if (std::holds_alternative<ReleasedFact>(fact.body)) {
    ++released;
  } else if (std::holds_alternative<WillFiredFact>(fact.body)) {
    ++wills;
  } else if (std::holds_alternative<ConnectedFact>(fact.body) || std::holds_alternative<DisconnectedFact>(fact.body) ||
             std::holds_alternative<SessionEndedFact>(fact.body)) {
    ++sessions;
  }
}

void MergeCounts::add(const MergeCounts& other) {
  published += other.published;
  retained += other.retained;
  released += other.released;
  subscriptions += other.subscriptions;
  unsubscriptions += other.unsubscriptions;
  sessions += other.sessions;
  wills += other.wills;
  acks += other.acks;
}

void TailReader::give(MergeFact fact, const Origin& origin, std::vector<TailFact>& out) {
  counts_.add(fact);
  TailFact& given = out.emplace_back();
  given.origin = origin;
  encode_fact(fact, given.bytes);
}

void TailReader::facts(Epoch epoch, Lsn lsn, Instant time, const Record& record, std::vector<TailFact>& out) {
  if (lsn <= common_) return;
  last_ = Origin{epoch, lsn, time, 0};
  any_ = true;
  Body body{*this, lsn, last_, out};
  std::visit(body, record);
}

std::optional<QueueLeftFact> TailReader::queue_left(SessionId id) const {
  const Session* session = end_.session(id);
  if (session == nullptr || !session->durable) return std::nullopt;
  QueueLeftFact left;
  std::vector<std::uint64_t> ids;
  const Queue& queue = session->queue;
  for (Sequence s = queue.head(); s < queue.tail(); ++s) {
    const QueueEntry& entry = queue.at(s);
    if (entry.done || !entry.message || entry.message->id() > common_.value) continue;
    ids.push_back(entry.message->id());
    if (entry.released) left.received.push_back({s, entry.message->id()});
  }
  std::sort(ids.begin(), ids.end());
  left.client = session->client_id;
  left.common = common_;
  for (const std::uint64_t message : ids) {
    if (!left.ids.empty() && message <= left.ids.back().last + 1)
      left.ids.back().last = message;
    else
      left.ids.push_back({message, message});
  }
  return left;
}

void TailReader::closing(std::vector<TailFact>& out) {
  if (!any_) return;
  Origin origin = last_;
  for (const SessionId id : acked_) {
    std::optional<QueueLeftFact> left = queue_left(id);
    if (!left) continue;
    ++origin.index;
    give({{}, *std::move(left)}, origin, out);
  }
  ++origin.index;
  give({{}, EndFact{}}, origin, out);
}

}  // namespace tandem::core
