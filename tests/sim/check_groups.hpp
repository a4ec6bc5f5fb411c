// Shared subscriptions: an acknowledged message reaches one member of the group, and QoS 2 only one, once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "history.hpp"

namespace sim {

class GroupCheck {
 public:
  void joined(const std::string& client, const std::string& filter, bool durable, int qos, std::int64_t at);
  // Its session or subscription ended: what it had been given may go with it.
  void left(const std::string& filter) { groups_[filter].spoiled = true; }

  // The message may have been another member's before, who did not keep it: then it comes late (core/hand_on.hpp), as
  // it may on shared subscriptions ([MQTT5-4.6.0-6]).
  bool may_be_late(const History::Message& message, const std::string& subscriber) const;
  void check(const History& history, const std::function<void(const std::string&)>& broken) const;

 private:
  struct Group {
    std::map<std::string, int> members;  // and their QoS
    std::int64_t from = 0;               // the first member's SUBACK
    bool spoiled = false;
  };
  void check_one(const History& history, const std::string& filter, const Group& group, const History::Message& message,
                 const std::function<void(const std::string&)>& broken) const;

  std::map<std::string, Group> groups_;
};

}  // namespace sim
