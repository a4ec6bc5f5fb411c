// From a loser's State to facts.
#include "core/state_tail.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/limits.hpp"

namespace tandem::core {

namespace {
// Names and filters in one fact, so that it fits into a frame beside a message.
constexpr std::size_t max_list_bytes = 512 * limits::kib;
static_assert(2 * max_list_bytes + limits::max_packet_bytes < limits::max_frame_bytes);
}  // namespace

StateTail::StateTail(State& end, const Missing& missing, EpochAt epoch_at)
    : end_(end), missing_(missing), epoch_at_(std::move(epoch_at)) {
  known_from_ = first_with([this](Lsn lsn) { return epoch_at_(lsn).number != 0; });
  const Epoch last = epoch_of(missing_.end);
  const Lsn place = first_with([&](Lsn lsn) { return epoch_of(lsn) == last; });
  entity_ = {last, place, time_of_state, 0};
  find_sessions();
  find_messages();
}

// The first record of the tail for which it holds; it holds for all behind that, and for the last.
Lsn StateTail::first_with(const std::function<bool(Lsn)>& holds) const {
  Lsn low = missing_.first;
  Lsn high = missing_.end;
  while (low < high) {
    const Lsn middle{low.value + (high.value - low.value) / 2};
    if (holds(middle))
      high = middle;
    else
      low = middle.next();
  }
  return low;
}

Epoch StateTail::epoch_of(Lsn lsn) const {
  const Epoch epoch = epoch_at_(std::max(lsn, known_from_));
  return epoch.number != 0 ? epoch : end_.globals().epoch;
}

void StateTail::find_sessions() {
  std::set<std::string> clients;
  for (const auto& [id, session] : end_.sessions()) {
    if (session->durable) clients.insert(session->client_id);
  }
  for (const auto& [client, will] : end_.wills()) {
    if (missing(will.message->id())) clients.insert(client);
  }
  clients_.assign(clients.begin(), clients.end());
}

void StateTail::find_messages() {
  for (const auto& [id, session] : end_.sessions()) {
    if (!session->durable) continue;
    const Queue& queue = session->queue;
    for (Sequence s = queue.head(); s < queue.tail(); ++s) {
      const QueueEntry& entry = queue.at(s);
      if (!entry.owed() || !missing(entry.message->id())) continue;
      waiting_.push_back({entry.message->id(), session.get(), s});
    }
  }
  std::sort(waiting_.begin(), waiting_.end(), [](const Waiting& a, const Waiting& b) {
    return std::tie(a.message, a.session->client_id, a.sequence) <
           std::tie(b.message, b.session->client_id, b.sequence);
  });
  for (const auto& [topic, retained] : end_.retained()) {
    if (missing(retained.message->id())) retained_.emplace_back(retained.message->id(), &retained);
  }
  std::sort(retained_.begin(), retained_.end());
}

bool StateTail::next(std::size_t max_bytes, std::vector<TailFact>& out) {
  given_bytes_ = 0;
  if (!std::exchange(began_, true)) give_entity({{}, MissingFact{missing_.first, missing_.last}}, out);
  while (next_client_ < clients_.size() && given_bytes_ < max_bytes) give_session(clients_[next_client_++], out);
  const auto messages_left = [&] { return next_waiting_ < waiting_.size() || next_retained_ < retained_.size(); };
  while (next_client_ == clients_.size() && messages_left() && given_bytes_ < max_bytes) give_message(out);
  return next_client_ == clients_.size() && !messages_left();
}

Origin StateTail::after_all() const {
  const bool shared = entity_.lsn == missing_.end;
  return {entity_.epoch, missing_.end, time_of_state, std::max(last_index_, shared ? entity_.index : 0)};
}

void StateTail::give(MergeFact fact, const Origin& origin, std::vector<TailFact>& out) {
  counts_.add(fact);
  TailFact& given = out.emplace_back();
  given.origin = origin;
  encode_fact(fact, given.bytes);
  given_bytes_ += given.bytes.size();
}

void StateTail::give_entity(MergeFact fact, std::vector<TailFact>& out) {
  ++entity_.index;
  give(std::move(fact), entity_, out);
}

void StateTail::give_session(const std::string& client, std::vector<TailFact>& out) {
  const Session* session = end_.durable_session_of(client);
  ConnectedFact fact;
  Connected& connected = fact.record;
  connected.client_id = client;
  connected.resumed = true;  // whether it began in the missing part is not known: nothing of the winner's goes
  if (session != nullptr) {
    connected.username = session->username;
    connected.durable = true;
    connected.version = session->version;
    connected.keep_alive_s = session->keep_alive_s;
    connected.session_expiry_s = session->expiry_s;
    connected.receive_maximum = session->receive_maximum;
    connected.max_packet_bytes = session->max_packet_bytes;
    connected.max_queue_messages = session->max_queue_messages;
    connected.max_queue_bytes = session->max_queue_bytes;
    connected.session = session->id;
  }
  give_will(client, fact);
  give_entity({{}, fact}, out);
  if (session == nullptr) return;
  give_subscriptions(*session, out);
  if (missing_.common.value != 0 || !session->held_ids.empty())
    give_entity({{}, HeldFact{client, session->held_ids}}, out);
}

// A will of before the fork is the winner's as well.
void StateTail::give_will(const std::string& client, ConnectedFact& fact) const {
  const auto found = end_.wills().find(client);
  if (found == end_.wills().end() || !missing(found->second.message->id())) return;
  fact.record.will = WillView{found->second.message->view(), found->second.delay_s};
  fact.record.keep_alive_s = found->second.keep_alive_s;
}

// A fact has one identifier.
void StateTail::give_subscriptions(const Session& session, std::vector<TailFact>& out) {
  SubscribedFact fact;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (!fact.subscriptions.empty()) give_entity({{}, std::exchange(fact, {})}, out);
    bytes = 0;
  };
  for (const auto& [filter, subscription] : session.subscriptions) {
    if (subscription.identifier != fact.identifier || bytes >= max_list_bytes) flush();
    fact.client = session.client_id;
    fact.identifier = subscription.identifier;
    fact.subscriptions.push_back({filter, subscription.options});
    bytes += filter.size() + 4;
  }
  flush();
}

// The next message: who waits for it, and whether it is a retained one; several facts if there are very many.
void StateTail::give_message(std::vector<TailFact>& out) {
  const std::uint64_t none = UINT64_MAX;
  const std::uint64_t id = std::min(next_waiting_ < waiting_.size() ? waiting_[next_waiting_].message : none,
                                    next_retained_ < retained_.size() ? retained_[next_retained_].first : none);
  const Retained* retained = nullptr;
  if (next_retained_ < retained_.size() && retained_[next_retained_].first == id) {
    retained = retained_[next_retained_++].second;
  }
  Origin origin{epoch_of(Lsn{id}), Lsn{id}, {}, 0};
  if (origin.epoch == entity_.epoch && origin.lsn == entity_.lsn) origin.index = entity_.index + 1;
  const auto waits = [&] { return next_waiting_ < waiting_.size() && waiting_[next_waiting_].message == id; };
  bool first = true;
  while (first || waits()) {
    QueuedFact fact;
    fact.message = first && retained != nullptr
                       ? retained->message->view()
                       : waiting_[next_waiting_].session->queue.at(waiting_[next_waiting_].sequence).message->view();
    fact.message.retain = first && retained != nullptr;
    std::size_t bytes = 0;
    for (; waits() && bytes < max_list_bytes; ++next_waiting_) {
      const Waiting& w = waiting_[next_waiting_];
      const QueueEntry& entry = w.session->queue.at(w.sequence);
      const auto identifiers = w.session->queue.identifiers(w.sequence);
      fact.clients.push_back({w.session->client_id,
                              static_cast<mqtt::Qos>(entry.qos),
                              entry.retain,
                              {identifiers.begin(), identifiers.end()}});
      bytes += w.session->client_id.size() + 8 + 5 * identifiers.size();
    }
    origin.time = fact.message.published_at;
    if (Lsn{id} == missing_.end) last_index_ = origin.index;
    give({{}, std::move(fact)}, origin, out);
    ++origin.index;
    first = false;
  }
}

}  // namespace tandem::core
