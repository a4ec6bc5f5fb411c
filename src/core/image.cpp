// Encoding a checkpoint: what changed, in slices, each entity as it was when the checkpoint began.
#include "core/image.hpp"

#include <utility>

#include "core/image_codec.hpp"

namespace tandem::core {

Checkpoint::Checkpoint(State& state) : state_(state) {
  changes_ = state_.begin_checkpoint();
  given_.reserve(changes_.size());
  state_.message_table().begin_checkpoint();
  erased_messages_ = state_.message_table().take_erased();
  state_.message_table().on_losing_pending([this](const Message& m) { copies_.push_back(message_row(m)); });
  PendingCopies& copies = state_.pending_copies();
  copies.globals = [this](const Globals& g) { give(globals_row(g), copies_); };
  copies.session = [this](const Session& s) { give(session_row(s), copies_); };
  copies.subscription = [this](const Subscription& s) { give(subscription_row(s), copies_); };
  copies.segment = [this](const Session& s, std::uint64_t segment) { give(segment_row(s, segment), copies_); };
  copies.retained = [this](const std::string& t, const Retained& r) { give(retained_row(t, r), copies_); };
  copies.will = [this](const std::string& c, const Will& w) { give(will_row(c, w), copies_); };
  copies.user = [this](const std::string& n, const User& u) { give(user_row(n, u), copies_); };
  copies.rule_set = [this](const RuleSetName& n, const RuleSet& s) { give(rule_set_row(n, s), copies_); };
}

Checkpoint::~Checkpoint() {
  state_.end_checkpoint(complete_);
  state_.pending_copies() = {};
  state_.message_table().on_losing_pending({});
}

bool Checkpoint::step(std::size_t max_rows, std::vector<Row>& out) {
  for (Row& row : copies_) out.push_back(std::move(row));
  copies_.clear();
  complete_ = step_messages(max_rows, out) && step_entities(max_rows, out);
  return complete_;
}

bool Checkpoint::step_messages(std::size_t max_rows, std::vector<Row>& out) {
  while (!erased_messages_.empty()) {
    if (out.size() >= max_rows) return false;
    out.push_back({static_cast<std::uint8_t>(RowKind::message), message_key(erased_messages_.back()), {}, true});
    erased_messages_.pop_back();
  }
  while (out.size() < max_rows) {
    const Message* message = state_.message_table().next_pending();
    if (message == nullptr) return true;
    out.push_back(message_row(*message));
  }
  return false;
}

// A name is gone with its row: all of them at the end would hold up the turn.
bool Checkpoint::step_entities(std::size_t max_rows, std::vector<Row>& out) {
  const auto work = [&](auto& names, auto emit) {
    while (done_ < names.size() && out.size() < max_rows) emit(std::exchange(names[done_++], {}));
    if (done_ < names.size()) return false;
    done_ = 0;
    ++list_;
    return true;
  };
  if (list_ == 0) {
    if (changes_.globals) emit_globals(out);
    ++list_;
  }
  if (list_ == 1 && !work(changes_.sessions, [&](SessionId id) { emit_session(id, out); })) return false;
  if (list_ == 2 && !work(changes_.subscriptions, [&](const auto& n) { emit_subscription(n, out); })) return false;
  if (list_ == 3 && !work(changes_.segments, [&](const auto& n) { emit_segment(n, out); })) return false;
  if (list_ == 4 && !work(changes_.retained, [&](const auto& t) { emit_retained(t, out); })) return false;
  if (list_ == 5 && !work(changes_.wills, [&](const auto& c) { emit_will(c, out); })) return false;
  if (list_ == 6 && !work(changes_.users, [&](const auto& n) { emit_user(n, out); })) return false;
  return list_ != 7 || work(changes_.rule_sets, [&](const auto& n) { emit_rule_set(n, out); });
}

void Checkpoint::give(Row row, std::vector<Row>& out) {
  given_.insert(static_cast<char>(row.kind) + row.key);
  out.push_back(std::move(row));
}

void Checkpoint::erase_unless_given(RowKind kind, ByteBuffer key, std::vector<Row>& out) {
  if (given_.contains(static_cast<char>(kind) + key)) return;
  give({static_cast<std::uint8_t>(kind), std::move(key), {}, true}, out);
}

void Checkpoint::emit_globals(std::vector<Row>& out) {
  Globals& globals = state_.globals_to_encode();
  if (!state_.pending(globals.mark)) return;
  give(globals_row(globals), out);
  globals.mark = {};
}

template <class Entity, class Encode>
void Checkpoint::emit_entity(RowKind kind, ByteView key, Entity* entity, Encode encode, std::vector<Row>& out) {
  if (entity == nullptr || !state_.pending(entity->mark)) {
    erase_unless_given(kind, ByteBuffer(key), out);
    return;
  }
  give(encode(*entity), out);
  entity->mark = {};
}

void Checkpoint::emit_session(SessionId id, std::vector<Row>& out) {
  emit_entity(RowKind::session, session_key(id), state_.session(id), session_row, out);
}

void Checkpoint::emit_subscription(const std::pair<SessionId, std::string>& name, std::vector<Row>& out) {
  Session* session = state_.session(name.first);
  if (session != nullptr) {
    const auto found = session->subscriptions.find(name.second);
    if (found != session->subscriptions.end() && state_.pending(found->second.mark)) {
      give(subscription_row(found->second), out);
      found->second.mark = {};
      return;
    }
  }
  erase_unless_given(RowKind::subscription, subscription_key(name.first, name.second), out);
}

void Checkpoint::emit_segment(const std::pair<SessionId, std::uint64_t>& name, std::vector<Row>& out) {
  Session* session = state_.session(name.first);
  const std::uint64_t segment = name.second;
  if (session != nullptr && segment >= session->first_segment) {
    const auto index = static_cast<std::size_t>(segment - session->first_segment);
    if (index < session->segment_marks.size() && state_.pending(session->segment_marks[index])) {
      give(segment_row(*session, segment), out);
      session->segment_marks[index] = {};
      state_.forget_segment_marks(*session);
      return;
    }
  }
  erase_unless_given(RowKind::segment, segment_key(name.first, segment), out);
}

void Checkpoint::emit_retained(const std::string& topic, std::vector<Row>& out) {
  const auto encode = [&](const Retained& retained) { return retained_row(topic, retained); };
  emit_entity(RowKind::retained, topic, state_.retained_to_encode(topic), encode, out);
}

void Checkpoint::emit_will(const std::string& client_id, std::vector<Row>& out) {
  const auto encode = [&](const Will& will) { return will_row(client_id, will); };
  emit_entity(RowKind::will, client_id, state_.will_to_encode(client_id), encode, out);
}

void Checkpoint::emit_user(const std::string& name, std::vector<Row>& out) {
  const auto encode = [&](const User& user) { return user_row(name, user); };
  emit_entity(RowKind::user, name, state_.user_to_encode(name), encode, out);
}

void Checkpoint::emit_rule_set(const RuleSetName& name, std::vector<Row>& out) {
  const auto encode = [&](const RuleSet& set) { return rule_set_row(name, set); };
  emit_entity(RowKind::rule_set, rule_set_row_key(name), state_.rule_set_to_encode(name), encode, out);
}

}  // namespace tandem::core
