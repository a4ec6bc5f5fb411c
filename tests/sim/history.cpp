// The rules, as a client can check them.
#include "history.hpp"

#include <utility>

#include "mqtt/topic.hpp"

namespace sim {

namespace {
constexpr std::int64_t held_up_ms = 6'000;
constexpr std::int64_t slowest_ack_ms = 1'000;  // from a receipt to the record of its PUBREC
}  // namespace

History::Message& History::sent(const std::string& publisher, std::uint64_t number, const std::string& topic, int qos,
                                bool retain, bool will, std::int64_t at) {
  Message& message = messages_[publisher + "-" + std::to_string(number)];
  if (message.sent_at != 0) return message;
  if (publisher + "-" + std::to_string(number) == watched_)
    note_(watched_ + " is sent, QoS " + std::to_string(qos) + ", " + topic);
  message.publisher = publisher;
  message.number = number;
  message.topic = topic;
  message.qos = qos;
  message.retain = retain;
  message.will = will;
  message.sent_at = at;
  return message;
}

void History::transmitted(const std::string& id, std::uint16_t packet_id, Server to) {
  Message& message = messages_.at(id);
  if (++message.transmissions == 1 && message.qos == 2) {
    const Message*& user = id_users_[{message.publisher, packet_id}];
    message.id_before = std::exchange(user, &message);
  }
  message.sent_to[static_cast<std::size_t>(to.node)] = message.flow_at[static_cast<std::size_t>(to.node)] = true;
}

void History::visited(const std::string& client, bool durable, std::int64_t at, Server box) {
  auto& visits = visits_[client];
  visits.emplace_back(at, box.node);
  if (!durable) session_of_[client] = client + " (session " + std::to_string(visits.size()) + ")";
}

void History::released(const std::string& id, std::int64_t at, Server to) {
  Message& message = messages_.at(id);
  message.flow_at[static_cast<std::size_t>(to.node)] = true;
  if (message.released_at == 0) message.released_at = at;
}

void History::acked(const std::string& id, std::int64_t at, Server by) {
  Message& message = messages_.at(id);
  if (id == watched_) note_(id + " is acknowledged by node " + std::to_string(by.node));
  if (message.acked_at != 0) return;
  message.acked_at = at;
  message.acked_by = by;
}

void History::delivered(const std::string& subscriber, const std::string& id, int qos, std::int64_t at, Server by) {
  const auto found = messages_.find(id);
  if (found == messages_.end() || qos == 0) return;
  if (id == watched_) {
    note_(id + " comes to " + subscriber + " by node " + std::to_string(by.node) + " with QoS " + std::to_string(qos));
  }
  std::vector<Delivery>& got = found->second.got[subscriber];
  if (got.empty()) {
    const auto session = session_of_.find(subscriber);
    order_[session == session_of_.end() ? subscriber : session->second].push_back(&found->second);
  }
  got.push_back({at, by, qos});
}

bool History::lost(std::int64_t at) const {
  for (const auto& [from, to] : loss_windows_) {
    if (at >= from && at <= to) return true;
  }
  return false;
}

bool History::clash(const std::string& subscriber, const std::string& id) {
  if (!packet_id_clash_permitted || (!split() && !lossy())) return false;
  clashes_.emplace(subscriber, id);
  return true;
}

void History::interested(const std::string& subscriber, const std::string& filter, int qos, std::int64_t at,
                         Server by) {
  bool again = false;
  for (const Interest& one : interests_[subscriber]) {
    if (one.filter != filter) continue;
    if (one.until == 0) return;
    again = true;
  }
  interests_[subscriber].push_back({filter, qos, at, 0, by, again});
}

void History::lost_interest(const std::string& subscriber, const std::string& filter, std::int64_t at) {
  for (Interest& one : interests_[subscriber]) {
    if ((filter.empty() || one.filter == filter) && one.until == 0) one.until = at;
  }
}

std::uint64_t History::acked_count() const {
  std::uint64_t count = 0;
  for (const auto& [id, message] : messages_) count += message.acked_at != 0 ? 1 : 0;
  return count;
}

// Two memories were lost before either disk had the record (durability "peer" only). What a client did while that was
// being found out may be confused by it, too: a held packet id that came back (docs/limits.md).
bool History::excused(const Message& message) const {
  if (held_id_repeat_permitted && split() && message.qos == 2 && message.acked_by.node >= 0) {
    for (const Message* one = message.id_before; one != nullptr; one = one->id_before) {
      if (one->flow_at[static_cast<std::size_t>(1 - message.acked_by.node)]) return true;
      for (const auto& [forked_at, served_at] : unclean_) {  // the PUBREL's record went with a memory
        if (one->released_at >= forked_at - slowest_ack_ms && one->released_at <= served_at) return true;
      }
    }
  }
  for (const auto& [from, to] : loss_windows_) {
    if (message.acked_at >= from && message.acked_at <= to) return true;
    if (message.qos == 2 && message.sent_at <= to + 60'000 && message.acked_at >= from) return true;
  }
  return false;
}

// A box that goes on UNCLEAN may lack the record of a subscription, until the other one's log is merged.
bool History::forgotten(const Interest& interest, std::int64_t at) const {
  for (const auto& [forked_at, served_at] : unclean_) {
    if (interest.from < forked_at - slowest_ack_ms || interest.from > served_at || at < served_at) continue;
    const auto merged = std::lower_bound(merges_.begin(), merges_.end(), served_at);
    if (merged == merges_.end() || at <= *merged) return true;
  }
  return false;
}

void History::check_one(const Message& message, const std::string& subscriber, const Interest& interest,
                        const std::function<void(const std::string&)>& broken) const {
  const std::string name = message.publisher + "-" + std::to_string(message.number);
  const auto found = message.got.find(subscriber);
  const std::size_t count = found == message.got.end() ? 0 : found->second.size();
  // What one side of a split was told, the other does not know before they are merged.
  // Nor is it clear which of two changes is the newer one, if their boxes' clocks differ.
  const bool known_there = message.acked_by == interest.by && !interest.again;
  if (split() && interest.from >= *first_split_ && !known_there) return;
  if (!known_there && forgotten(interest, message.acked_at)) return;
  if (goes_first_ && message.acked_at >= *first_split_) return;
  if (message.will && split()) return;  // its client may be back at the other side, which then fires none
  if (lost(interest.from)) return;      // it was acknowledged when both memories were about to be lost
  const bool due = message.acked_at != 0 && message.qos > 0 && interest.qos > 0 && interest.from < message.sent_at &&
                   interest.until == 0;
  if (due && count == 0 && !excused(message) && clashes_.count({subscriber, name}) == 0) {
    broken("acknowledged message " + name + " (QoS " + std::to_string(message.qos) + ", sent " +
           std::to_string(message.sent_at) + ", acked " + std::to_string(message.acked_at) + " by node " +
           std::to_string(message.acked_by.node) + " epoch " + std::to_string(message.acked_by.epoch) +
           ") never reached " + subscriber);
  }
}

bool History::in_two_lineages(const Message& message, const std::string& subscriber) const {
  if (message.sent_to[0] && message.sent_to[1]) return true;
  const std::vector<Delivery>& got = message.got.at(subscriber);
  // What a reign that was merged later had sent may have been held up by a cut LAN.
  const std::int64_t late_ms = got.front().by == got.back().by ? 0 : held_up_ms;
  for (const std::int64_t merged : merges_) {
    if (merged >= got.front().at - late_ms && merged <= got.back().at) return true;
  }
  // A box that goes on UNCLEAN may lack the record of a receipt, however late it was made, or the message itself, which
  // its publisher then gives it once more.
  const std::int64_t from = message.transmissions > 1 ? message.sent_at : got.front().at;
  for (const auto& [forked_at, served_at] : unclean_) {
    if (served_at >= from && served_at <= got.back().at) return true;
  }
  std::array<bool, 2> at{};
  for (const Delivery& one : got) at[static_cast<std::size_t>(one.by.node)] = true;
  const auto visits = visits_.find(subscriber);
  if (visits == visits_.end()) return at[0] && at[1];
  for (const auto& [when, node] : visits->second) {
    if (when >= got.front().at && when <= got.back().at) at[static_cast<std::size_t>(node)] = true;
  }
  return at[0] && at[1];
}

void History::check_deliveries(const std::function<void(const std::string&)>& broken,
                               const MayBeLate& may_be_late) const {
  for (const auto& [subscriber, interests] : interests_) {
    for (const auto& [id, message] : messages_) {
      for (const Interest& interest : interests) {
        if (tandem::mqtt::topic_matches(interest.filter, message.topic)) {
          check_one(message, subscriber, interest, broken);
        }
      }
    }
  }
  for (const auto& [id, message] : messages_) {
    if (message.qos != 2 || message.will) continue;
    for (const auto& [subscriber, got] : message.got) {
      if (got.size() < 2 || got.front().qos != 2) continue;
      // Delivered by both sides of a split, or begun by one and merged into the other (docs/limits.md).
      if (split() && got.back().at >= *first_split_ && (goes_first_ || in_two_lineages(message, subscriber))) {
        ++permitted_duplicates_;
        continue;
      }
      if (lossy() && got.back().at >= loss_windows_.front().first) continue;
      broken("QoS 2 message " + id + " came " + std::to_string(got.size()) + " times to " + subscriber + " (at " +
             std::to_string(got.front().at) + " by node " + std::to_string(got.front().by.node) + ", at " +
             std::to_string(got.back().at) + " by node " + std::to_string(got.back().by.node) + ")");
    }
  }
  if (!split() && !lossy()) check_order(broken, may_be_late);
}

// [MQTT5-4.6.0-5], per publisher, topic and QoS; what RECONCILE brings comes late, so only without a split.
void History::check_order(const std::function<void(const std::string&)>& broken, const MayBeLate& may_be_late) const {
  for (const auto& [subscriber, got] : order_) {
    std::map<std::string, const Message*> last;
    for (const Message* message : got) {
      if (message->will || message->retain) continue;
      if (message->qos == 1 && message->transmissions > 1) continue;
      if (may_be_late(*message, subscriber)) continue;
      const Message*& before = last[message->publisher + "|" + message->topic + "|" + std::to_string(message->qos)];
      if (before != nullptr && before->number > message->number) {
        broken("order: " + subscriber + " got " + message->publisher + "-" + std::to_string(message->number) +
               " after -" + std::to_string(before->number));
      }
      before = message;
    }
  }
}

}  // namespace sim
