// Who gets the messages of one topic, as found in the index of subscriptions (routing.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mqtt/packet.hpp"

namespace tandem::core {

struct Session;
struct SharedGroup;
struct Subscription;

// One session that a topic reaches by plain subscriptions.
struct Target {
  Session* session = nullptr;
  Subscription* first = nullptr;
  std::uint32_t others_begin = 0;  // in Match::others: further overlapping subscriptions of the same session
  std::uint32_t others_count = 0;
};

struct Match {
  std::string topic;
  std::vector<Target> targets;  // by session id
  std::vector<Subscription*> others;
  std::vector<SharedGroup*> groups;                 // by filter
  bool simple = false;                              // each target has one subscription, with nothing but a QoS
  bool cached = false;                              // MatchCache counts it
  mqtt::Qos durable_qos = mqtt::Qos::at_most_once;  // highest granted to a durable session by a plain subscription
  std::uint64_t generation = 0;                     // Routing::generation_of() when it was built; 0: it is not
  std::uint32_t first = 0;                          // Routing's counters that it depends on
  std::uint32_t second = 0;
  std::uint64_t stamp = 0;  // changes when it becomes another topic's

  // Plain subscriptions: what a message of this topic makes work with.
  std::size_t reached() const { return targets.size() + others.size(); }
};

}  // namespace tandem::core
