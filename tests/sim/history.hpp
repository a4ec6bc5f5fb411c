// What the clients saw: messages, acknowledgements, deliveries, wills; and the rules that it must obey.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sim {

// A reign, as clients could tell it: which box served them, under which epoch.
struct Server {
  int node = -1;
  std::uint64_t epoch = 0;
  friend auto operator<=>(const Server&, const Server&) = default;
};

class History {
 public:
  struct Delivery {
    std::int64_t at = 0;
    Server by;
    int qos = 0;
  };
  struct Message {
    std::string publisher;
    std::uint64_t number = 0;
    std::string topic;
    int qos = 0;
    bool retain = false;
    bool will = false;
    std::int64_t sent_at = 0;   // first time
    std::int64_t acked_at = 0;  // 0: never
    Server acked_by;
    std::map<std::string, std::vector<Delivery>> got;  // by subscriber: completed receipts (QoS 2: flows)
  };
  struct Interest {  // a durable subscription that was acknowledged
    std::string filter;
    int qos = 0;
    std::int64_t from = 0;
    std::int64_t until = 0;  // unsubscribe or clean start was begun; 0: holds
  };

  // `id`: "publisher-number", the payload.
  Message& sent(const std::string& publisher, std::uint64_t number, const std::string& topic, int qos, bool retain,
                bool will, std::int64_t at);
  void acked(const std::string& id, std::int64_t at, Server by);
  void delivered(const std::string& subscriber, const std::string& id, int qos, std::int64_t at, Server by);
  void interested(const std::string& subscriber, const std::string& filter, int qos, std::int64_t at);
  void lost_interest(const std::string& subscriber, const std::string& filter, std::int64_t at);

  // Exceptions that the design permits (docs/limits.md, docs/roles.md "Limits"); each is set by the world when it made
  // the faults that cause it.
  void may_lose(std::int64_t from, std::int64_t to) { loss_windows_.emplace_back(from, to); }
  void note_split(std::int64_t at) {
    if (!first_split_) first_split_ = at;
  }
  bool split() const { return first_split_.has_value(); }
  bool lossy() const { return !loss_windows_.empty(); }

  // At the end, when everything has been drained.
  void check_deliveries(const std::function<void(const std::string&)>& broken) const;
  std::uint64_t permitted_duplicates() const { return permitted_duplicates_; }
  std::uint64_t messages() const { return messages_.size(); }
  std::uint64_t acked_count() const;
  const std::map<std::string, Message>& all() const { return messages_; }

 private:
  bool excused(const Message& message) const;
  void check_one(const Message& message, const std::string& subscriber, const Interest& interest,
                 const std::function<void(const std::string&)>& broken) const;
  void check_order(const std::function<void(const std::string&)>& broken) const;

  std::map<std::string, Message> messages_;
  std::map<std::string, std::vector<Interest>> interests_;
  std::map<std::string, std::vector<const Message*>> order_;  // by subscriber: first receipts, in order
  std::vector<std::pair<std::int64_t, std::int64_t>> loss_windows_;
  std::optional<std::int64_t> first_split_;
  mutable std::uint64_t permitted_duplicates_ = 0;
};

}  // namespace sim
