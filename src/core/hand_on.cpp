#include "core/hand_on.hpp"

#include <algorithm>

#include "core/apply.hpp"

namespace tandem::core {

namespace {

bool to_hand_on(const QueueEntry& entry, Instant now) {
  return entry.group != 0 && entry.owed() && !(entry.qos == 2 && entry.sent) && !entry.message->view().expired(now);
}

Subscription* other_member(State& state, const Session& ending, const QueueEntry& entry) {
  for (SharedGroup* group : state.routing().match(entry.message->view().topic).groups) {
    if (short_name(group->filter) == entry.group)
      return choose_member(state.access(), entry.message->view().topic, *group, &ending);
  }
  return nullptr;
}

// The entry that the record names, if it is still as it was decided upon.
const QueueEntry* entry_of(const Session* from, const HandedOn& record) {
  if (from == nullptr || record.position < from->queue.head() || record.position >= from->queue.tail()) return nullptr;
  const QueueEntry& entry = from->queue.at(record.position);
  return entry.owed() && entry.message->id() == record.message_id ? &entry : nullptr;
}

}  // namespace

const Session* session_ended_by(const State& state, const Connected& record) {
  return record.resumed ? nullptr : state.session_of(record.client_id);
}

const Session* session_ended_by(const State& state, const Disconnected& record) {
  const Session* session = state.session_of(record.client_id);
  if (session == nullptr || !session->durable) return session;
  return record.session_expiry_s.value_or(session->expiry_s) == 0 ? session : nullptr;
}

const Session* session_ended_by(const State& state, const SessionEnded& record) {
  return state.session(record.session);
}

bool decide_hand_on(State& state, const Policy& policy, const Session& ending, Instant now, Sequence& at,
                    HandOnVerdict& verdict) {
  for (at = std::max(at, ending.queue.head()); at < ending.queue.tail(); ++at) {
    const QueueEntry& entry = ending.queue.at(at);
    if (!to_hand_on(entry, now)) continue;
    const Subscription* member = other_member(state, ending, entry);
    if (member == nullptr) continue;
    verdict.recorded = ending.durable || member->session->durable;
    if (verdict.recorded && policy.common_level < 2) continue;
    HandedOn& r = verdict.record;
    r = {};
    if (ending.durable) {
      r.from = ending.id;
      r.position = at;
      r.message_id = entry.message->id();
    } else {
      r.message = entry.message->view();
      if (r.message->expiry_s != no_expiry) r.message->expiry_s = r.message->seconds_left(now);
    }
    r.to = {member->session->id, member->filter};
    ++at;
    return true;
  }
  return false;
}

void apply(Applying& to, const HandedOn& record) {
  Session* from = record.from != 0 ? to.state.session(record.from) : nullptr;
  MessageRef kept;
  if (record.from != 0) {
    const QueueEntry* entry = entry_of(from, record);
    if (entry == nullptr) return;  // decide_hand_on saw to it
    kept = entry->message;
  }
  // A copy outside State: effects may outlive this apply, and nothing may keep a durable message alive on one box only.
  to.effects.keep = to.state.make_message(kept ? kept->view() : *record.message, 0);
  MessageView view = to.effects.keep->view();
  if (!kept) view.published_at = to.time;
  to.effects.current = view;
  to.effects.time = to.time;
  if (from != nullptr) to.state.drop_entry(*from, record.position);
  Outgoing message;
  message.view = view;
  message.durable = kept;
  deliver_to_member(to, record.to, message);
}

}  // namespace tandem::core
