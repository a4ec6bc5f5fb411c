// The digest's entities by name.
#include "core/entities.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace tandem::core {

namespace {

using Hashes = std::map<std::string, std::uint64_t>;

std::string name_of(const Session& session) {
  return "client " + session.client_id;
}

std::string name_of(const RuleSetName& set) {
  switch (set.owner) {
    case RuleOwner::anonymous:
      return "rules for anonymous clients";
    case RuleOwner::user:
      return "rules of user " + set.name;
    case RuleOwner::everyone:
      break;
  }
  return "rules for everyone";
}

void add_session(Hashes& hashes, const Session& session) {
  std::uint64_t& hash = hashes[name_of(session)];
  hash += hash_of(session);
  for (const std::uint16_t held : session.held_ids) hash += hash_of_held(session, held);
}

void add_subscriptions(Hashes& hashes, const Session& session) {
  for (const auto& [filter, subscription] : session.subscriptions)
    hashes[name_of(session) + " " + filter] += hash_of(subscription);
}

void add_queue(Hashes& hashes, const Session& session) {
  std::uint64_t& hash = hashes[name_of(session)];
  hash += hash_of_tail(session);
  for (Sequence s = session.queue.head(); s < session.queue.tail(); ++s) {
    const QueueEntry& entry = session.queue.at(s);
    if (!entry.done) hash += hash_of(session, s, entry);
  }
}

void add_message(Hashes& hashes, const Message& message) {
  hashes["message " + std::to_string(message.id()) + " on " + std::string(message.view().topic)] =
      message.content_hash();  // several may hold it
}

}  // namespace

BucketSearch::BucketSearch(Table table, std::size_t bucket) : table_(table), bucket_(bucket) {
  switch (table) {
    case Table::globals:
    case Table::access:  // few: list() looks at all of them
      phase_ = Phase::done;
      break;
    case Table::retained:
      phase_ = Phase::retained;
      break;
    case Table::wills:
      phase_ = Phase::wills;
      break;
    default:
      phase_ = Phase::sessions;
  }
}

BucketSearch::Phase BucketSearch::after(Phase phase) const {
  if (table_ != Table::messages || phase == Phase::wills) return Phase::done;
  return phase == Phase::sessions ? Phase::retained : Phase::wills;
}

bool BucketSearch::step(const State& state, std::size_t at_most) {
  std::size_t left = at_most;
  if (table_ == Table::messages && !newest_before_) begin_messages(state);
  if (phase_ == Phase::sessions) walk_sessions(state, left);
  if (phase_ == Phase::retained) walk_names(state.retained(), topics_, left);
  if (phase_ == Phase::wills) walk_names(state.wills(), clients_, left);
  return done();
}

// Messages come and go fast: those that come while the search walks are found at its end, by their age.
void BucketSearch::begin_messages(const State& state) {
  newest_before_ = 0;
  state.messages().each_fresh([this](const Message& message) {
    newest_before_ = message.id();
    return false;
  });
}

void BucketSearch::walk_sessions(const State& state, std::size_t& left) {
  const auto& all = state.sessions_by_client();
  auto next = all.lower_bound(at_);
  if (next == all.end() || next->first != at_) in_queue_.reset();  // the session that was being walked is gone
  for (; next != all.end(); ++next) {
    const Session& session = *next->second;
    if (left == 0 || !walk_session(session, left)) {
      at_ = next->first;
      return;
    }
  }
  phase_ = after(phase_);
  at_.clear();
}

// False: its queue has not been walked to the end.
bool BucketSearch::walk_session(const Session& session, std::size_t& left) {
  const std::optional<Sequence> from = std::exchange(in_queue_, std::nullopt);
  if (!from) --left;
  if (!session.durable) return true;
  if (table_ != Table::messages) {
    if (mine(session.id)) sessions_.push_back(session.id);
    return true;
  }
  const Queue& queue = session.queue;
  for (Sequence s = std::max(from.value_or(0), queue.head()); s < queue.tail(); ++s) {
    if (left == 0) {
      in_queue_ = s;
      return false;
    }
    --left;
    const MessageRef& message = queue.at(s).message;
    if (message && mine(message->id())) queued_.emplace_back(session.id, s);
  }
  return true;
}

void BucketSearch::add_access(std::map<std::string, std::uint64_t>& hashes, const AccessRules& access) const {
  for (const auto& [name, user] : access.users()) {
    if (mine(user_key(name))) hashes["user " + name] = hash_of(name, user);
  }
  for (const auto& [name, set] : access.sets()) {
    if (mine(rule_set_key(name))) hashes[name_of(name)] = hash_of(name, set);
  }
}

template <class Map>
void BucketSearch::walk_names(const Map& map, std::vector<std::string>& found, std::size_t& left) {
  for (auto next = map.lower_bound(at_); next != map.end(); ++next) {
    if (left == 0) {
      at_ = next->first;
      return;
    }
    --left;
    const auto& [name, holder] = *next;
    const bool here = table_ == Table::messages ? holder.message && mine(holder.message->id()) : mine(hash64(name));
    if (here) found.push_back(name);
  }
  phase_ = after(phase_);
  at_.clear();
}

std::optional<std::vector<EntityHash>> BucketSearch::list(const State& state) const {
  Hashes hashes;
  const bool messages = table_ == Table::messages;
  const auto see = [&](const MessageRef& message) {
    if (message && mine(message->id())) add_message(hashes, *message.get());
  };
  if (table_ == Table::globals && mine(0)) hashes["epoch and counters"] = hash_of(state.globals());
  for (const SessionId id : sessions_) {
    const Session* const session = state.session(id);
    if (session == nullptr) continue;
    if (table_ == Table::sessions) add_session(hashes, *session);
    if (table_ == Table::subscriptions) add_subscriptions(hashes, *session);
    if (table_ == Table::queues) add_queue(hashes, *session);
  }
  for (const auto& [id, sequence] : queued_) {
    const Session* const session = state.session(id);
    if (session == nullptr || sequence < session->queue.head() || sequence >= session->queue.tail()) continue;
    see(session->queue.at(sequence).message);
  }
  for (const std::string& topic : topics_) {
    const RetainedTable::Entry* const found = state.retained_at(topic);
    if (found == nullptr) continue;
    if (messages)
      see(found->second.message);
    else
      hashes[topic] = hash_of(topic, found->second);
  }
  for (const std::string& client : clients_) {
    const auto found = state.wills().find(client);
    if (found == state.wills().end()) continue;
    if (messages)
      see(found->second.message);
    else
      hashes["client " + client] = hash_of(client, found->second);
  }
  if (table_ == Table::access) add_access(hashes, state.access());
  if (messages) {
    state.messages().each_fresh([&](const Message& message) {
      if (message.id() <= newest_before_.value_or(0)) return false;
      if (mine(message.id())) add_message(hashes, message);
      return true;
    });
  }
  std::vector<EntityHash> all;
  std::uint64_t sum = 0;
  for (const auto& [key, hash] : hashes) {
    all.push_back({key, hash});
    sum += hash;
  }
  if (sum != state.digest().sums(table_)[bucket_]) return std::nullopt;
  return all;
}

}  // namespace tandem::core
