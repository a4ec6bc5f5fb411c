// $SYS: what the broker says of itself, under the names that users of Mosquitto know, and $SYS/broker/pair/... of the
// pair. Only the active has them: no record, not a part of State. Whoever subscribes gets what is, then what changes,
// QoS 0.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"

namespace tandem::broker {

// Counts since the process began, and what is at the moment.
struct SysFigures {
  std::uint64_t clients_connected = 0;
  std::uint64_t sessions_away = 0;  // durable, nobody connected
  std::uint64_t packets_received = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t publish_received = 0;
  std::uint64_t publish_sent = 0;
  std::uint64_t publish_dropped = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t connections = 0;  // CONNECTs accepted
  std::uint64_t sockets = 0;      // TCP connections accepted
  std::uint64_t stored_messages = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t shared_subscriptions = 0;
  std::uint64_t retained = 0;
  std::uint64_t publishers_paused = 0;  // limits.max_publishes_per_s
  std::uint64_t connects_paused = 0;    // limits.max_connects_per_s
};

class SysTopics {
 public:
  using Changed = std::vector<std::pair<std::string_view, std::string_view>>;  // topic, payload

  // Takes what is now; `more` are further topics behind "$SYS/broker/". What is new or has changed, by topic; valid
  // until the next call. `now` never goes back.
  Changed update(const SysFigures& figures, std::vector<std::pair<std::string, std::string>> more, Steady now);
  void clear();  // this box no longer serves
  // All that match `filter`, by topic.
  Changed matching(std::string_view filter) const;

 private:
  // Events a minute, averaged over 1, 5 and 15 minutes.
  struct Load {
    std::uint64_t before = 0;
    std::array<double, 3> averages{};
  };

  void put(const std::string& name, std::string value);
  void put(const std::string& name, std::uint64_t value) { put(name, std::to_string(value)); }
  void put_counts(const SysFigures& figures);
  void put_loads(const SysFigures& figures, Steady now);

  std::map<std::string, std::string> values_;  // whole topic: payload
  std::vector<std::map<std::string, std::string>::const_iterator> changed_;
  std::map<std::string, Load> loads_;
  std::uint64_t most_clients_ = 0;
  bool known_ = false;  // there was an update before
  Steady at_;           // of the last one
};

}  // namespace tandem::broker
