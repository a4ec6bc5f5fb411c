// Hashes of entities. Only durable facts enter: nothing of a connection, a socket or a transient session.
#include "core/state.hpp"

namespace tandem::core {

namespace {

// Folds fields into one hash; order matters, values are separated by the mixing.
class Fold {
 public:
  Fold& number(std::uint64_t value) {
    hash_ = mix64(hash_ ^ value) + 0x9e3779b97f4a7c15ULL;
    return *this;
  }
  Fold& text(std::string_view value) { return number(hash64(value)).number(value.size()); }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0;
};

}  // namespace

const char* table_name(Table table) {
  static constexpr const char* names[table_count] = {"globals",  "sessions", "subscriptions", "queues",
                                                     "messages", "retained", "wills",         "access"};
  return names[static_cast<std::size_t>(table)];
}

std::uint64_t hash_of(const Session& s) {
  Fold fold;
  fold.number(s.id).text(s.client_id).text(s.username).number(static_cast<std::uint64_t>(s.version));
  fold.number(s.connected ? 1 : 0).number(s.keep_alive_s).number(s.expiry_s);
  fold.number(s.connected ? 0 : static_cast<std::uint64_t>(s.expires_at.ms));
  fold.number(s.receive_maximum).number(s.max_packet_bytes).number(s.max_queue_messages).number(s.max_queue_bytes);
  if (s.queue_policy != QueuePolicy::drop_newest) fold.number(static_cast<std::uint64_t>(s.queue_policy));
  return fold.value();
}

std::uint64_t hash_of_held(const Session& session, std::uint16_t packet_id) {
  return mix64(session.id * 0x10001U + packet_id + 0x5bd1e995U);
}

std::uint64_t hash_of(const Subscription& s) {
  Fold fold;
  fold.number(s.session->id).text(s.filter).number(static_cast<std::uint64_t>(s.options.qos));
  fold.number((s.options.no_local ? 1U : 0U) | (s.options.retain_as_published ? 2U : 0U));
  fold.number(static_cast<std::uint64_t>(s.options.retain_handling)).number(s.identifier).number(s.joined);
  return fold.value();
}

// One mixing for all: this is the hot one. The factors keep the fields apart.
std::uint64_t hash_of(const Session& session, Sequence sequence, const QueueEntry& entry) {
  const std::uint64_t flags = (static_cast<std::uint64_t>(entry.qos) << 4) | (entry.retain ? 1U : 0U) |
                              (entry.sent ? 2U : 0U) | (entry.in_flight ? 4U : 0U) | (entry.released ? 8U : 0U);
  std::uint64_t id = entry.message ? entry.message->id() : 0;
  for (const std::uint32_t one : session.queue.identifiers(sequence)) id = mix64(id ^ one);
  return mix64((session.mixed_id + sequence * 0x9e3779b97f4a7c15ULL) ^ (id * 0xc2b2ae3d27d4eb4fULL) ^ (flags << 56));
}

// Grows by the same amount with each entry, so that a push changes it by a subtraction of two of these.
std::uint64_t hash_of_tail(const Session& session) {
  return session.mixed_id * (session.queue.tail() + 1);
}

std::uint64_t hash_of(const std::string& topic, const Retained& retained) {
  return Fold().text(topic).number(retained.message->id()).value();
}

std::uint64_t hash_of(const std::string& client_id, const Will& will) {
  Fold fold;
  fold.text(client_id).number(will.message->id()).number(will.delay_s).number(will.keep_alive_s);
  fold.number((will.connected ? 1U : 0U) | (will.grace ? 2U : 0U));
  fold.number(will.connected ? 0 : static_cast<std::uint64_t>(will.fires_at.ms));
  return fold.value();
}

std::uint64_t hash_of(const Globals& globals) {
  Fold fold;
  fold.number(globals.epoch.number).number(globals.epoch.node.value).number(globals.epoch.store);
  fold.number(globals.next_session).number(globals.next_joined);
  for (const auto& [epoch, merged] : globals.merged) {
    fold.number(epoch.number).number(epoch.node.value).number(epoch.store);
    fold.number(merged.lsn.value).number(merged.index);
  }
  return fold.value();
}

std::uint64_t hash_of(const std::string& name, const User& user) {
  Fold fold;
  fold.text(name).text(user.password_hash).text(user.scram).number(user.client_ids.size());
  for (const std::string& pattern : user.client_ids) fold.text(pattern);
  return fold.value();
}

std::uint64_t hash_of(const RuleSetName& name, const RuleSet& set) {
  Fold fold;
  fold.number(static_cast<std::uint64_t>(name.owner)).text(name.name).number(set.rules.size());
  for (const Rule& rule : set.rules) fold.number(static_cast<std::uint64_t>(rule.right)).text(rule.filter);
  return fold.value();
}

std::uint64_t user_key(std::string_view name) {
  return hash64(name);
}

std::uint64_t rule_set_key(const RuleSetName& name) {
  return Fold().number(static_cast<std::uint64_t>(name.owner)).text(name.name).value();
}

Digest recompute_digest(const State& state) {
  Digest digest;
  std::map<std::uint64_t, const Message*> messages;
  const auto see = [&](const MessageRef& message) {
    if (message) messages[message->id()] = message.get();
  };
  digest.add(Table::globals, 0, hash_of(state.globals()));
  for (const auto& [id, owned] : state.sessions()) {
    const Session& session = *owned;
    if (!session.durable) continue;
    digest.add(Table::sessions, id, hash_of(session));
    for (const std::uint16_t held : session.held_ids) digest.add(Table::sessions, id, hash_of_held(session, held));
    for (const auto& [filter, subscription] : session.subscriptions) {
      digest.add(Table::subscriptions, id, hash_of(subscription));
    }
    digest.add(Table::queues, id, hash_of_tail(session));
    for (Sequence s = session.queue.head(); s < session.queue.tail(); ++s) {
      const QueueEntry& entry = session.queue.at(s);
      if (!entry.done) digest.add(Table::queues, id, hash_of(session, s, entry));
      see(entry.message);
    }
  }
  for (const auto& [topic, retained] : state.retained()) {
    digest.add(Table::retained, hash64(topic), hash_of(topic, retained));
    see(retained.message);
  }
  for (const auto& [client_id, will] : state.wills()) {
    digest.add(Table::wills, hash64(client_id), hash_of(client_id, will));
    see(will.message);
  }
  for (const auto& [name, user] : state.access().users()) {
    digest.add(Table::access, user_key(name), hash_of(name, user));
  }
  for (const auto& [name, set] : state.access().sets()) {
    digest.add(Table::access, rule_set_key(name), hash_of(name, set));
  }
  for (const auto& [id, message] : messages) digest.add(Table::messages, id, message->content_hash());
  return digest;
}

}  // namespace tandem::core
