// Loading State from an image, and handing its changes to a checkpoint.
#include "base/check.hpp"
#include "core/state.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

Changes State::begin_checkpoint() {
  CHECK(encoding_ == 0 && !changes_lost_);
  encoding_ = generation_++;
  return std::exchange(changes_, {});
}

void State::end_checkpoint(bool complete) {
  encoding_ = 0;
  changes_lost_ = changes_lost_ || !complete;
}

void State::forget_segment_marks(Session& session) {
  const std::uint64_t head = session.queue.head() / limits::queue_segment_entries;
  auto& marks = session.segment_marks;
  std::size_t passed = 0;
  while (passed < marks.size() && session.first_segment + passed < head && marks[passed].changed_in == 0) ++passed;
  marks.erase(marks.begin(), marks.begin() + static_cast<std::ptrdiff_t>(passed));
  session.first_segment += passed;
}

Will* State::will_to_encode(const std::string& client_id) {
  const auto found = wills_.find(client_id);
  return found == wills_.end() ? nullptr : &found->second;
}

Retained* State::retained_to_encode(const std::string& topic) {
  RetainedTable::Entry* const found = retained_.find(topic);
  return found == nullptr ? nullptr : &found->second;
}

void State::load_globals(const Globals& globals) {
  digest_.remove(Table::globals, 0, hash_of(globals_));
  globals_ = globals;
  digest_.add(Table::globals, 0, hash_of(globals_));
}

void State::load_session(std::unique_ptr<Session> session) {
  Session& s = *session;
  s.mixed_id = mix64(s.id);
  sessions_.emplace(s.id, std::move(session));
  by_client_.emplace(s.client_id, &s);
  ++durable_sessions_;
  list_if_connected(s, true);
  schedule(s, true);
  digest_.add(Table::sessions, s.id, hash_of(s));
  for (const std::uint16_t id : s.held_ids) digest_.add(Table::sessions, s.id, hash_of_held(s, id));
}

void State::load_subscription(Session& session, std::string_view filter, const mqtt::SubscriptionOptions& options,
                              std::uint32_t identifier, std::uint64_t joined) {
  const auto [at, added] = session.subscriptions.emplace(std::string(filter), Subscription{});
  if (!added) return;
  Subscription& subscription = at->second;
  subscription.session = &session;
  subscription.filter = at->first;
  subscription.options = options;
  subscription.identifier = identifier;
  subscription.joined = joined;
  subscription.group = mqtt::parse_shared(filter) ? short_name(filter) : std::uint16_t{0};
  digest_.add(Table::subscriptions, session.id, hash_of(subscription));
  routing_.add(&subscription);
}

void State::load_retained(const std::string& topic, MessageRef message) {
  Retained& retained = retained_.add(topic).second;
  retained.message = std::move(message);
  retained_bytes_ += retained.message->bytes();
  schedule_retained(topic, retained, true);
  digest_.add(Table::retained, hash64(topic), hash_of(topic, retained));
}

void State::load_will(const std::string& client_id, Will will) {
  Will& placed = wills_[client_id];
  placed = std::move(will);
  schedule(client_id, placed, true);
  digest_.add(Table::wills, hash64(client_id), hash_of(client_id, placed));
}

void State::settle_loaded() {
  for (const auto& [id, owned] : sessions_) {
    Session& session = *owned;
    session.queue.settle_loaded();
    queued_ += session.queue.size();
    digest_.add(Table::queues, id, hash_of_tail(session));
    for (Sequence s = session.queue.head(); s < session.queue.tail(); ++s) {
      if (!session.queue.at(s).done) add_entry_hash(session, s);
    }
  }
}

}  // namespace tandem::core
