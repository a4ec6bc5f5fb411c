// Shared subscriptions.
#include "check_groups.hpp"

#include <algorithm>

#include "mqtt/topic.hpp"

namespace sim {

namespace {

// Without "$share/GROUP/".
std::string topics_of(const std::string& filter) {
  return filter.substr(filter.find('/', std::string("$share/").size()) + 1);
}

}  // namespace

void GroupCheck::joined(const std::string& client, const std::string& filter, bool durable, int qos, std::int64_t at) {
  Group& group = groups_[filter];
  if (group.members.empty()) group.from = at;
  group.members[client] = qos;
  if (!durable) group.spoiled = true;  // what it was given ends with its connection
}

void GroupCheck::check_one(const History& history, const std::string& filter, const Group& group,
                           const History::Message& message,
                           const std::function<void(const std::string&)>& broken) const {
  std::size_t members = 0;
  std::size_t receipts = 0;
  int least_qos = 2;
  for (const auto& [client, qos] : group.members) {
    least_qos = std::min(least_qos, qos);
    if (history.clashed(client, message.publisher + "-" + std::to_string(message.number))) return;
    const auto got = message.got.find(client);
    if (got == message.got.end()) continue;
    ++members;
    receipts += got->second.size();
  }
  if (history.excused(message)) return;
  const std::string name = message.publisher + "-" + std::to_string(message.number);
  if (members == 0) broken("acknowledged message " + name + " reached no member of " + filter);
  const bool once = message.qos == 2 && least_qos == 2 && !history.split() && !history.lossy();
  if (once && receipts > 1) {
    broken("QoS 2 message " + name + " came " + std::to_string(receipts) + " times to " + std::to_string(members) +
           " members of " + filter);
  }
}

bool GroupCheck::may_be_late(const History::Message& message, const std::string& subscriber) const {
  const std::string client = subscriber.substr(0, subscriber.find(" (session "));  // of a clean one, each has its name
  return std::any_of(groups_.begin(), groups_.end(), [&](const auto& entry) {
    const auto& [filter, group] = entry;
    return group.members.size() > 1 && group.members.contains(client) &&
           tandem::mqtt::topic_matches(topics_of(filter), message.topic);
  });
}

void GroupCheck::check(const History& history, const std::function<void(const std::string&)>& broken) const {
  for (const auto& [filter, group] : groups_) {
    // What one side of a split was told, the other does not know before they are merged.
    if (group.spoiled || history.lost(group.from) || (history.split() && group.from >= history.first_split())) continue;
    const std::string topics = topics_of(filter);
    for (const auto& [id, message] : history.all()) {
      if (message.will || message.qos == 0 || message.acked_at == 0 || message.sent_at <= group.from) continue;
      if (tandem::mqtt::topic_matches(topics, message.topic)) check_one(history, filter, group, message, broken);
    }
  }
}

}  // namespace sim
