// The digest's entities by name.
#include "core/entities.hpp"

#include <algorithm>
#include <map>

namespace tandem::core {

namespace {

class Bucket {
 public:
  Bucket(Table table, std::size_t bucket) : table_(table), bucket_(bucket) {}

  bool wants(Table table, std::uint64_t key) const { return table == table_ && Digest::bucket_of(key) == bucket_; }
  void add(std::string key, std::uint64_t hash) { hashes_[std::move(key)] += hash; }
  std::vector<EntityHash> list() const {
    std::vector<EntityHash> all;
    for (const auto& [key, hash] : hashes_) all.push_back({key, hash});
    return all;
  }

 private:
  Table table_;
  std::size_t bucket_;
  std::map<std::string, std::uint64_t> hashes_;
};

void add_session(Bucket& bucket, const Session& session) {
  const std::string name = "client " + session.client_id;
  if (bucket.wants(Table::sessions, session.id)) {
    bucket.add(name, hash_of(session));
    for (const std::uint16_t held : session.held_ids) bucket.add(name, hash_of_held(session, held));
  }
  if (bucket.wants(Table::subscriptions, session.id)) {
    for (const auto& [filter, subscription] : session.subscriptions)
      bucket.add(name + " " + filter, hash_of(subscription));
  }
  if (bucket.wants(Table::queues, session.id)) {
    bucket.add(name, hash_of_tail(session));
    for (Sequence s = session.queue.head(); s < session.queue.tail(); ++s) {
      const QueueEntry& entry = session.queue.at(s);
      if (!entry.done) bucket.add(name, hash_of(session, s, entry));
    }
  }
}

// Messages have no list of their own: whoever holds them leads to them.
void add_messages(Bucket& bucket, const State& state) {
  std::map<std::uint64_t, const Message*> messages;
  const auto see = [&](const MessageRef& message) {
    if (message && bucket.wants(Table::messages, message->id())) messages[message->id()] = message.get();
  };
  for (const auto& [id, session] : state.sessions()) {
    if (!session->durable) continue;
    for (Sequence s = session->queue.head(); s < session->queue.tail(); ++s) see(session->queue.at(s).message);
  }
  for (const auto& [topic, retained] : state.retained()) see(retained.message);
  for (const auto& [client_id, will] : state.wills()) see(will.message);
  for (const auto& [id, message] : messages) {
    bucket.add("message " + std::to_string(id) + " on " + std::string(message->view().topic), message->content_hash());
  }
}

}  // namespace

std::vector<EntityHash> entities_in_bucket(const State& state, Table table, std::size_t number) {
  Bucket bucket(table, number);
  if (bucket.wants(Table::globals, 0)) bucket.add("epoch and counters", hash_of(state.globals()));
  for (const auto& [id, session] : state.sessions()) {
    if (session->durable) add_session(bucket, *session);
  }
  for (const auto& [topic, retained] : state.retained()) {
    if (bucket.wants(Table::retained, hash64(topic))) bucket.add(topic, hash_of(topic, retained));
  }
  for (const auto& [client_id, will] : state.wills()) {
    if (bucket.wants(Table::wills, hash64(client_id))) bucket.add("client " + client_id, hash_of(client_id, will));
  }
  if (table == Table::messages) add_messages(bucket, state);
  return bucket.list();
}

}  // namespace tandem::core
