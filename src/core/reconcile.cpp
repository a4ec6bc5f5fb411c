// Deciding what becomes of a fact.
#include "core/reconcile.hpp"

#include <algorithm>

namespace tandem::core {

namespace {

namespace outcome = merge_outcome;

class Decision {
 public:
  Decision(State& state, const ForkIndex& fork, const Policy& policy, Instant now, ReconcileVerdict& verdict)
      : state_(state), fork_(fork), policy_(policy), now_(now), verdict_(verdict), record_(verdict.record) {}

  void operator()(const PublishedFact& fact) {
    MessageView message = fact.message;
    message.published_at = record_.origin.time;
    if (message.qos == mqtt::Qos::exactly_once && fact.packet_id != 0 && !fact.released) {
      const ForkIndex::Seen seen = fork_.seen(fact.publisher, fact.packet_id, record_.origin.time, fact.after);
      if (seen == ForkIndex::Seen::message) {  // the client has sent it to this box as well
        supersede();
        return;
      }
      const bool same_session =
          state_.durable_session_of(fact.publisher) != nullptr && fork_.session_anew(fact.publisher) == nullptr;
      if (seen == ForkIndex::Seen::nothing && same_session) record_.outcome |= outcome::held;
    }
    distribute(message, fact.groups);
  }

  void operator()(const ReleasedFact& fact) {
    const Session* session = state_.durable_session_of(fact.client);
    if (session != nullptr && session->holds(fact.packet_id) && fork_.session_anew(fact.client) == nullptr &&
        !newer_here(fork_.last_seen(fact.client, fact.packet_id)))
      record_.outcome |= outcome::taken;
    else
      supersede();
  }

  void operator()(const SubscribedFact& fact) {
    const Session* session = session_to_change(fact.client);
    std::size_t added = 0;
    for (std::uint32_t i = 0; i < fact.subscriptions.size(); ++i) {
      const std::string_view filter = fact.subscriptions[i].filter;
      if (session == nullptr || newer_here(fork_.subscription(fact.client, filter))) {
        refuse_place(i);
        continue;
      }
      if (session->subscriptions.contains(filter)) continue;
      if (session->subscriptions.size() + added >= policy_.max_subscriptions_per_session) {
        refuse_place(i);
        tell_client(fact.client, "the limit of subscriptions a session is reached; '" + std::string(filter) +
                                     "' of the other box is not taken over");
        verdict_.end = MergeEnd::refused;
        continue;
      }
      ++added;
    }
    if (record_.refused.size() < fact.subscriptions.size()) record_.outcome |= outcome::taken;
  }

  void operator()(const UnsubscribedFact& fact) {
    const Session* session = session_to_change(fact.client);
    for (std::uint32_t i = 0; i < fact.filters.size(); ++i) {
      if (session == nullptr || newer_here(fork_.subscription(fact.client, fact.filters[i]))) refuse_place(i);
    }
    if (record_.refused.size() < fact.filters.size()) record_.outcome |= outcome::taken;
  }

  void operator()(const ConnectedFact& fact) {
    const Connected& connected = fact.record;
    if (session_stays(connected.client_id)) {
      tell_client(connected.client_id, "its session on this box is newer and stays as it is");
      return;
    }
    if (connected.will || record_.origin.time != time_of_state) {
      record_.will_grace_s = policy_.will_grace_s;
      record_.outcome |= outcome::will;
    }
    if (connected.durable && state_.session_of(connected.client_id) == nullptr &&
        state_.sessions().size() >= policy_.max_sessions) {
      tell_client(connected.client_id,
                  "the limit of sessions is reached; its session on the other box is not taken over");
      verdict_.end = MergeEnd::refused;
      return;
    }
    record_.outcome |= outcome::taken;
  }

  void operator()(const DisconnectedFact& fact) {
    if (session_stays(fact.record.client_id)) return;
    if (!fact.record.keep_will) record_.outcome |= outcome::will;
    record_.outcome |= outcome::taken;
  }

  void operator()(const SessionEndedFact& fact) {
    // Time has ended it there. Here its own clock runs if its client was here.
    if (fork_.session(fact.client) != nullptr)
      supersede();
    else if (!session_stays(fact.client))
      record_.outcome |= outcome::taken;
  }

  void operator()(const WillFiredFact& fact) {
    const auto kept = state_.wills().find(fact.client);
    MessageView message;
    if (kept != state_.wills().end() && !kept->second.connected && !connected_here(fact.client) &&
        !fork_.connected(fact.client)) {
      record_.outcome |= outcome::own_will;
      message = kept->second.message->view();
    } else if (fact.message) {
      message = *fact.message;
    } else {  // this box has fired or dropped it itself
      supersede();
      return;
    }
    message.published_at = record_.origin.time;
    distribute(message, fact.groups);
    record_.outcome |= outcome::taken;
  }

  void operator()(const QueueLeftFact& fact) {
    const Session* session = state_.durable_session_of(fact.client);
    // A client that was here has settled with this box what it has had.
    if (session != nullptr && !session->connected && !fork_.connected(fact.client) &&
        fork_.session_anew(fact.client) == nullptr && fact.common == fork_.common())
      record_.outcome |= outcome::taken;
    else
      supersede();
  }

  void operator()(const EndFact& /*fact*/) { record_.outcome |= outcome::taken; }
  void operator()(const MissingFact& /*fact*/) { record_.outcome |= outcome::taken; }

  void operator()(const HeldFact& fact) {
    const bool same_session =
        state_.durable_session_of(fact.client) != nullptr && fork_.session_anew(fact.client) == nullptr;
    if (!same_session) {
      supersede();
      return;
    }
    record_.outcome |= outcome::taken;
    // What the client has done with that id here is newer.
    const auto used_here = [&](std::uint16_t id) { return fork_.last_seen(fact.client, id) != nullptr; };
    for (std::uint32_t i = 0; i < fact.packet_ids.size(); ++i) {
      if (used_here(fact.packet_ids[i])) refuse_place(i);
    }
    for (const std::uint16_t id : state_.durable_session_of(fact.client)->held_ids) {
      const bool there = std::binary_search(fact.packet_ids.begin(), fact.packet_ids.end(), id);
      if (!there && !used_here(id)) record_.refused.push_back(released_place + id);
    }
  }

  void operator()(const QueuedFact& fact) {
    MessageView message = fact.message;
    message.published_at = record_.origin.time;
    if (message.retain && retained_wins(message)) record_.outcome |= outcome::retained;
    if (message.qos == mqtt::Qos::at_most_once || message.expired(now_)) return;
    for (std::uint32_t i = 0; i < fact.clients.size(); ++i) {
      if (!may_have(fact.clients[i].client, message.topic)) refuse_place(i);
    }
    if (fact.clients.empty() || record_.refused.size() < fact.clients.size()) record_.outcome |= outcome::taken;
  }

 private:
  bool connected_here(std::string_view client) const {
    const Session* session = state_.session_of(client);
    return session != nullptr && session->connected;
  }
  // Equal times: this box's own change stays.
  bool newer_here(const ForkIndex::Change* change) const {
    return change != nullptr && change->time >= record_.origin.time;
  }

  void supersede() {
    if (verdict_.end == MergeEnd::merged) verdict_.end = MergeEnd::superseded;
  }
  void refuse_place(std::uint32_t place) {
    record_.refused.push_back(place);
    supersede();
  }
  void tell_client(std::string_view client, std::string line) {
    verdict_.subject = "client " + std::string(client);
    verdict_.line = std::move(line);
  }
  void tell_topic(std::string_view topic, std::string line) {
    verdict_.subject = "retained '" + std::string(topic) + "'";
    verdict_.line = std::move(line);
  }

  // The session whose subscriptions the fact may change; nullptr: none, or it is a newer one than that of the fact.
  const Session* session_to_change(std::string_view client) const {
    return newer_here(fork_.session_anew(client)) ? nullptr : state_.durable_session_of(client);
  }

  // A message that waits in the client's session at the loser. If the session here is another one that began since the
  // fork, what it is subscribed to decides.
  bool may_have(std::string_view client, std::string_view topic) {
    const Session* session = state_.durable_session_of(client);
    if (session == nullptr) return false;
    if (fork_.session_anew(client) == nullptr) return true;
    const Match& match = state_.routing().match(topic);
    const auto its = [&](const auto& one) { return one.session == session; };
    return std::any_of(match.targets.begin(), match.targets.end(), its) ||
           std::any_of(match.groups.begin(), match.groups.end(), [&](const SharedGroup* group) {
             return std::any_of(group->members.begin(), group->members.end(), [&](const auto* s) { return its(*s); });
           });
  }

  // The session here is newer than the fact, or its client is here.
  bool session_stays(std::string_view client) {
    if (!connected_here(client) && !newer_here(fork_.session(client))) return false;
    supersede();
    return true;
  }

  void distribute(const MessageView& message, const std::vector<GroupFact>& groups) {
    if (message.retain && retained_wins(message)) record_.outcome |= outcome::retained;
    if (message.qos == mqtt::Qos::at_most_once || message.expired(now_)) return;
    record_.outcome |= outcome::taken;
    pick_members(message.topic, groups);
  }

  bool retained_wins(const MessageView& message) {
    const RetainedTable::Entry* const present = state_.retained_at(message.topic);
    // A will that was retained has no record of its topic: State shows it by its id and time.
    const bool set_newer = present != nullptr && present->second.message->id() > fork_.common().value &&
                           present->second.message->view().published_at > record_.origin.time;
    const bool changed = fork_.retained(message.topic) != nullptr;
    if (set_newer || newer_here(fork_.retained(message.topic))) {
      tell_topic(message.topic, "this box's value is newer and stays; the other box's (" +
                                    std::to_string(message.payload.size()) + " bytes) is dropped");
      supersede();
      return false;
    }
    if (!message.payload.empty() && present == nullptr && state_.retained().size() >= policy_.max_retained) {
      tell_topic(message.topic, "the limit of retained messages is reached; the other box's value is dropped");
      verdict_.end = MergeEnd::refused;
      return false;
    }
    if (changed) {
      tell_topic(message.topic, "the other box's value (" + std::to_string(message.payload.size()) +
                                    " bytes) is newer and replaces this box's");
    }
    return true;
  }

  void pick_members(std::string_view topic, const std::vector<GroupFact>& groups) {
    for (const SharedGroup* group : state_.routing().match(topic).groups) {
      const auto told =
          std::find_if(groups.begin(), groups.end(), [&](const GroupFact& g) { return g.filter == group->filter; });
      if (told != groups.end() && !told->waiting) continue;  // a member has had it
      const Session* chosen = nullptr;
      for (const Subscription* member : group->members) {
        const Session& session = *member->session;
        if (!session.durable) continue;
        if (!state_.access().may(Right::read, {session.username, session.client_id}, topic)) continue;
        const bool same = told != groups.end() && session.client_id == told->client;
        if (chosen == nullptr || same || (session.connected && !chosen->connected)) chosen = &session;
        if (same) break;
      }
      if (chosen != nullptr) record_.picks.push_back({chosen->id, group->filter});
    }
  }

  State& state_;
  const ForkIndex& fork_;
  const Policy& policy_;
  Instant now_;
  ReconcileVerdict& verdict_;
  Reconciled& record_;
};

}  // namespace

bool merged_already(const State& state, const Origin& origin) {
  const auto& merged = state.globals().merged;
  const auto found = merged.find(origin.epoch);
  return found != merged.end() && Merged{origin.lsn, origin.index} <= found->second;
}

void decide_reconciled(State& state, const ForkIndex& fork, const Policy& policy, const Origin& origin,
                       const MergeFact& fact, Instant now, ReconcileVerdict& verdict) {
  verdict.end = MergeEnd::merged;
  verdict.subject.clear();
  verdict.line.clear();
  Reconciled& record = verdict.record;
  record.origin = origin;
  record.outcome = 0;
  record.will_grace_s = 0;
  record.refused.clear();
  record.picks.clear();
  record.fact = fact.bytes;
  if (merged_already(state, origin)) {
    verdict.end = MergeEnd::already;
    return;
  }
  std::visit(Decision(state, fork, policy, now, verdict), fact.body);
}

}  // namespace tandem::core
