// State: everything that survives a takeover, and the active's transient sessions beside it. Only apply (apply.hpp) and
// the loading of an image change it. Every change of a durable entity goes through here, which keeps three things true
// at once: the digest, the list of changes for the next checkpoint, and the copy that a running checkpoint needs first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/access_rules.hpp"
#include "core/digest.hpp"
#include "core/due.hpp"
#include "core/message_table.hpp"
#include "core/record.hpp"
#include "core/retained_table.hpp"
#include "core/routing.hpp"
#include "core/session.hpp"

namespace tandem::core {

struct Will {
  MessageRef message;
  std::uint32_t delay_s = 0;
  std::uint16_t keep_alive_s = 0;
  bool connected = true;  // its client is connected: the will is not due
  bool grace = false;     // due because a reign began: any return of the client cancels it
  Instant fires_at;       // while !connected
  ChangeMark mark;
};

// How far another lineage's epoch has been merged (RECONCILE): all facts up to this one.
struct Merged {
  Lsn lsn;
  std::uint32_t index = 0;
  friend auto operator<=>(const Merged&, const Merged&) = default;
};
inline constexpr std::size_t max_merged_epochs = 256;  // then the oldest is forgotten

// Facts of which there is one.
struct Globals {
  Epoch epoch;
  std::uint64_t next_session = 1;
  std::uint64_t next_joined = 1;
  std::map<Epoch, Merged> merged;
  ChangeMark mark;
};

// Names of the entities that changed since the last checkpoint began.
struct Changes {
  bool globals = false;
  std::vector<SessionId> sessions;
  std::vector<std::pair<SessionId, std::string>> subscriptions;
  std::vector<std::pair<SessionId, std::uint64_t>> segments;
  std::vector<std::string> retained;
  std::vector<std::string> wills;
  std::vector<std::string> users;
  std::vector<RuleSetName> rule_sets;

  std::size_t size() const {
    return sessions.size() + subscriptions.size() + segments.size() + retained.size() + wills.size() + users.size() +
           rule_sets.size();
  }
};

// Encodes an entity that a running checkpoint still needs, before it changes (image.hpp sets it).
struct PendingCopies {
  std::function<void(const Globals&)> globals;
  std::function<void(const Session&)> session;
  std::function<void(const Subscription&)> subscription;
  std::function<void(const Session&, std::uint64_t segment)> segment;
  std::function<void(const std::string&, const Retained&)> retained;
  std::function<void(const std::string&, const Will&)> will;
  std::function<void(const std::string&, const User&)> user;
  std::function<void(const RuleSetName&, const RuleSet&)> rule_set;
};

class State {
 public:
  State();
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Reading
  Session* session(SessionId id) const;
  Session* session_of(std::string_view client_id) const;
  Session* durable_session_of(std::string_view client_id) const;  // nullptr: none, or a transient one
  const RetainedTable::Ordered& retained() const { return retained_.ordered(); }
  const RetainedTable::Entry* retained_at(std::string_view topic) const { return retained_.find(topic); }
  const std::map<std::string, Will, std::less<>>& wills() const { return wills_; }
  const Globals& globals() const { return globals_; }
  const AccessRules& access() const { return access_; }
  const Due& due() const { return due_; }
  const Digest& digest() const { return digest_; }
  const MessageTable& messages() const { return messages_; }
  Routing& routing() { return routing_; }
  const Routing& routing() const { return routing_; }
  std::size_t retained_bytes() const { return retained_bytes_; }  // topics, properties and payloads
  std::size_t durable_sessions() const { return durable_sessions_; }
  const std::vector<Session*>& connected_sessions() const { return connected_; }  // in no order
  std::uint32_t reign() const { return reign_; }             // counts those that this process has seen
  std::uint64_t queued_messages() const { return queued_; }  // in durable sessions
  std::uint64_t dropped_messages() const { return dropped_; }
  const std::unordered_map<SessionId, std::unique_ptr<Session>>& sessions() const { return sessions_; }
  const std::map<std::string, Session*, std::less<>>& sessions_by_client() const { return by_client_; }

  // Changing (apply and image loading only)
  MessageRef make_message(const MessageView& view, std::uint64_t id);
  Session& add_session(SessionId id, std::string_view client_id, bool durable);
  SessionId next_session_id(bool durable);
  void remove_session(Session& session);
  void begin_reign() { ++reign_; }
  void drop_transient_sessions();  // a reign of this node has ended
  // Changes a session's header: `edit` changes neither id, queue, held_ids nor subscriptions. Under another user name
  // it may read and write other topics: what was found out about that is forgotten.
  template <class Edit>
  void edit_session(Session& session, Edit edit);
  void hold_id(Session& session, std::uint16_t packet_id);     // held already: nothing
  bool release_id(Session& session, std::uint16_t packet_id);  // false: was not held
  Subscription& put_subscription(Session& session, std::string_view filter, const mqtt::SubscriptionOptions& options,
                                 std::uint32_t identifier, bool& existed);
  bool remove_subscription(Session& session, std::string_view filter);
  void set_retained(std::string_view topic, MessageRef message);  // empty ref: removes
  void set_will(const std::string& client_id, Will will);
  void remove_will(const std::string& client_id);
  template <class Edit>
  void edit_will(const std::string& client_id, Edit edit);
  template <class Edit>
  void edit_globals(Edit edit);

  // Users and rules (state_access.cpp)
  void set_user(std::string_view name, User user);
  void remove_user(std::string_view name);
  void set_rules(const RuleSetName& name, std::vector<Rule> rules);
  void remove_rules(const RuleSetName& name);

  // Queues (state_queue.cpp)
  Sequence enqueue(Session& session, QueueEntry entry, std::span<const std::uint32_t> identifiers);
  // The same, and it is written at once: nothing waits and the window is open.
  Sequence enqueue_in_flight(Session& session, QueueEntry entry, std::span<const std::uint32_t> identifiers);
  void send_at_cursor(Session& session);
  void skip_at_cursor(Session& session);
  void release_entry(Session& session, Sequence sequence);  // PUBREC came
  void finish_entry(Session& session, Sequence sequence);
  void drop_entry(Session& session, Sequence sequence);  // wherever it stands: done
  void rewind_queue(Session& session);
  void count_drop(Session& session);

  // Images (state_image.cpp; used by image.cpp)
  // A checkpoint begins: what changed so far is its generation; ends: when all of it has been encoded.
  Changes begin_checkpoint();
  void end_checkpoint(bool complete);
  bool pending(const ChangeMark& mark) const { return encoding_ != 0 && mark.changed_in == encoding_; }
  PendingCopies& pending_copies() { return pending_copies_; }
  void forget_segment_marks(Session& session);  // of segments behind the head whose rows are right
  Globals& globals_to_encode() { return globals_; }
  Will* will_to_encode(const std::string& client_id);
  Retained* retained_to_encode(const std::string& topic);
  User* user_to_encode(const std::string& name);
  RuleSet* rule_set_to_encode(const RuleSetName& name);
  MessageTable& message_table() { return messages_; }
  void load_globals(const Globals& globals);
  void load_session(std::unique_ptr<Session> session);
  void load_subscription(Session& session, std::string_view filter, const mqtt::SubscriptionOptions& options,
                         std::uint32_t identifier, std::uint64_t joined);
  void load_retained(const std::string& topic, MessageRef message);
  void load_will(const std::string& client_id, Will will);
  void load_user(const std::string& name, User user);
  void load_rule_set(const RuleSetName& name, RuleSet set);
  void settle_loaded();  // after the last row: queues, due, digest of queues

 private:
  // True: the entity must be noted as changed. `copy` encodes it first if a running checkpoint still needs it.
  template <class Copy>
  bool note_change(ChangeMark& mark, Copy copy);
  void touch(Session& session);
  void touch(Subscription& subscription);
  void forget_subscription(const Session& session, Subscription& subscription);
  void touch_segment(Session& session, std::uint64_t segment);
  void touch_retained(const std::string& topic, Retained& retained);
  void touch_will(const std::string& client_id, Will& will);
  void touch_globals();
  void touch_user(const std::string& name, User& user);
  void touch_rule_set(const RuleSetName& name, RuleSet& set);
  void access_changed();
  void touch_segments(Session& session, Sequence first, Sequence last);
  void add_entry_hash(const Session& session, Sequence sequence);
  void remove_entry_hash(const Session& session, Sequence sequence);
  void schedule(const Session& session, bool present);
  void schedule(const std::string& client_id, const Will& will, bool present);
  void schedule_retained(const std::string& topic, const Retained& retained, bool present);
  void list_if_connected(Session& session, bool present);

  Digest digest_;
  BlockPool memory_;
  MessageTable messages_;
  TransientMessages transient_messages_;
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
  std::map<std::string, Session*, std::less<>> by_client_;
  RetainedTable retained_;
  std::map<std::string, Will, std::less<>> wills_;
  AccessRules access_;
  Routing routing_;
  Globals globals_;
  Due due_;
  Changes changes_;
  PendingCopies pending_copies_;
  SessionId next_transient_ = transient_bit | 1U;
  std::uint64_t next_transient_joined_ = transient_bit | 1U;
  std::size_t durable_sessions_ = 0;
  std::size_t retained_bytes_ = 0;
  std::vector<Session*> connected_;
  std::uint32_t reign_ = 0;
  std::uint32_t generation_ = 1;  // of changes
  std::uint32_t encoding_ = 0;    // generation of the running checkpoint; 0: none runs
  bool changes_lost_ = false;     // a checkpoint was given up: no other can follow
  std::uint64_t queued_ = 0;
  std::uint64_t dropped_ = 0;
};

// Hashes of entities, as the digest sums them (also used to recompute it from scratch).
std::uint64_t hash_of(const Session& session);
std::uint64_t hash_of(const Subscription& subscription);
std::uint64_t hash_of(const Session& session, Sequence sequence, const QueueEntry& entry);
std::uint64_t hash_of_tail(const Session& session);
std::uint64_t hash_of_held(const Session& session, std::uint16_t packet_id);
std::uint64_t hash_of(const std::string& topic, const Retained& retained);
std::uint64_t hash_of(const std::string& client_id, const Will& will);
std::uint64_t hash_of(const Globals& globals);
std::uint64_t hash_of(const std::string& name, const User& user);
std::uint64_t hash_of(const RuleSetName& name, const RuleSet& set);
// Where they stand in the digest (Table::access).
std::uint64_t user_key(std::string_view name);
std::uint64_t rule_set_key(const RuleSetName& name);
Digest recompute_digest(const State& state);

template <class Copy>
bool State::note_change(ChangeMark& mark, Copy copy) {
  if (mark.changed_in == generation_) return false;
  if (pending(mark)) copy();
  mark.changed_in = generation_;
  return true;
}

template <class Edit>
void State::edit_session(Session& session, Edit edit) {
  touch(session);
  if (session.durable) digest_.remove(Table::sessions, session.id, hash_of(session));
  schedule(session, false);
  list_if_connected(session, false);
  const std::string username = session.username;
  edit(session);
  if (session.username != username) {
    if (!session.subscriptions.empty()) routing_.forget();
    session.recent.write_asked_in = 0;
  }
  list_if_connected(session, true);
  schedule(session, true);
  if (session.durable) digest_.add(Table::sessions, session.id, hash_of(session));
}

template <class Edit>
void State::edit_will(const std::string& client_id, Edit edit) {
  const auto found = wills_.find(client_id);
  if (found == wills_.end()) return;
  Will& will = found->second;
  touch_will(client_id, will);
  const std::uint64_t key = hash64(client_id);
  digest_.remove(Table::wills, key, hash_of(client_id, will));
  schedule(client_id, will, false);
  edit(will);
  schedule(client_id, will, true);
  digest_.add(Table::wills, key, hash_of(client_id, will));
}

template <class Edit>
void State::edit_globals(Edit edit) {
  touch_globals();
  digest_.remove(Table::globals, 0, hash_of(globals_));
  edit(globals_);
  digest_.add(Table::globals, 0, hash_of(globals_));
}

}  // namespace tandem::core
