// What the clients saw: messages, acknowledgements, deliveries, wills; and the rules that it must obey.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sim {

// After a split or a loss a subscriber may hold a packet id for a message of the other lineage. The active sends PUBREL
// for an id before it uses it (docs/limits.md); but where that PUBREL and its PUBLISH were held and dropped with their
// connection, the next PUBLISH is taken for a repeat, and that message does not reach that subscriber.
inline constexpr bool packet_id_clash_permitted = true;

// docs/limits.md: a QoS 2 packet id whose flow one side took and only the other saw released is still held there; the
// next message under it is taken for a repeat.
inline constexpr bool held_id_repeat_permitted = true;

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
    int transmissions = 0;               // PUBLISH packets: a repeat of QoS 1 is another message to the broker
    std::array<bool, 2> sent_to{};       // the boxes that got one
    std::array<bool, 2> flow_at{};       // or a PUBREL
    std::int64_t released_at = 0;        // QoS 2: the first PUBREL
    const Message* id_before = nullptr;  // QoS 2: the message that had this packet id before
    std::map<std::string, std::vector<Delivery>> got;  // by subscriber: completed receipts (QoS 2: flows)
  };
  struct Interest {  // a durable subscription that was acknowledged
    std::string filter;
    int qos = 0;
    std::int64_t from = 0;
    std::int64_t until = 0;  // unsubscribe or clean start was begun; 0: holds
    Server by;               // who acknowledged it
    bool again = false;      // there was one before
  };

  // `id`: "publisher-number", the payload.
  Message& sent(const std::string& publisher, std::uint64_t number, const std::string& topic, int qos, bool retain,
                bool will, std::int64_t at);
  void transmitted(const std::string& id, std::uint16_t packet_id, Server to);
  void released(const std::string& id, std::int64_t at, Server to);
  void visited(const std::string& client, bool durable, std::int64_t at, Server box);
  void acked(const std::string& id, std::int64_t at, Server by);
  void delivered(const std::string& subscriber, const std::string& id, int qos, std::int64_t at, Server by);
  // A QoS 2 message came under a packet id that the subscriber holds for another. True: that is permitted.
  bool clash(const std::string& subscriber, const std::string& id);
  void interested(const std::string& subscriber, const std::string& filter, int qos, std::int64_t at, Server by);
  void lost_interest(const std::string& subscriber, const std::string& filter, std::int64_t at);

  // Called with what happens to this message.
  void watch(std::string message, std::function<void(const std::string&)> note) {
    watched_ = std::move(message);
    note_ = std::move(note);
  }

  // Exceptions that the design permits (docs/limits.md, docs/roles.md "Limits"); each is set by the world when it made
  // the faults that cause it.
  void may_lose(std::int64_t from, std::int64_t to) { loss_windows_.emplace_back(from, to); }
  // Two lineages begin: both boxes serve, or one serves without what the other, which is down, has recorded.
  void note_split(std::int64_t at) { first_split_ = std::min(at, first_split_.value_or(at)); }
  void note_unclean(std::int64_t forked_at, std::int64_t at) {
    note_split(forked_at);
    unclean_.emplace_back(forked_at, at);
  }
  // A box without anything serves by a person's order. It knows no session, and what it takes before a subscriber is
  // back at it reaches nobody; what the other box had acknowledged before comes by RECONCILE.
  void note_goes_first(std::int64_t forked_at) {
    note_split(forked_at);
    goes_first_ = true;
  }
  bool goes_first() const { return goes_first_; }
  void note_merge(std::int64_t at) { merges_.push_back(at); }
  bool split() const { return first_split_.has_value(); }
  std::int64_t first_split() const { return *first_split_; }
  bool lossy() const { return !loss_windows_.empty(); }

  // At the end, when everything has been drained.
  // `may_be_late`: GroupCheck.
  using MayBeLate = std::function<bool(const Message& message, const std::string& subscriber)>;
  void check_deliveries(const std::function<void(const std::string&)>& broken, const MayBeLate& may_be_late) const;
  bool lost(std::int64_t at) const;            // what was acknowledged then may be
  bool excused(const Message& message) const;  // its loss is one of those
  std::uint64_t permitted_duplicates() const { return permitted_duplicates_; }
  std::uint64_t clashes() const { return clashes_.size(); }
  bool clashed(const std::string& subscriber, const std::string& id) const {
    return clashes_.count({subscriber, id}) != 0;
  }
  std::uint64_t messages() const { return messages_.size(); }
  std::uint64_t acked_count() const;
  const std::map<std::string, Message>& all() const { return messages_; }

 private:
  void check_one(const Message& message, const std::string& subscriber, const Interest& interest,
                 const std::function<void(const std::string&)>& broken) const;
  // Two lineages had a part in it (docs/limits.md): its publisher sent it to both, or the subscriber was at both
  // between the first and the last receipt, or the loser had begun to deliver it when it was merged into the winner, or
  // a box that had lost the record of the first receipt went on UNCLEAN.
  bool forgotten(const Interest& interest, std::int64_t at) const;
  bool in_two_lineages(const Message& message, const std::string& subscriber) const;
  void check_order(const std::function<void(const std::string&)>& broken, const MayBeLate& may_be_late) const;

  std::map<std::string, Message> messages_;
  std::map<std::pair<std::string, std::uint16_t>, const Message*> id_users_;  // publisher, packet id: QoS 2
  std::map<std::string, std::vector<std::pair<std::int64_t, int>>> visits_;   // connections: when, to which box
  std::map<std::string, std::vector<Interest>> interests_;
  std::map<std::string, std::vector<const Message*>> order_;  // by subscriber's session: first receipts, in order
  std::map<std::string, std::string> session_of_;             // the present one of a clean subscriber
  std::set<std::pair<std::string, std::string>> clashes_;     // subscriber, message
  std::vector<std::pair<std::int64_t, std::int64_t>> loss_windows_;
  std::vector<std::pair<std::int64_t, std::int64_t>> unclean_;  // when its log left the other's, when it began to serve
  std::optional<std::int64_t> first_split_;
  bool goes_first_ = false;
  std::vector<std::int64_t> merges_;
  std::string watched_;
  std::function<void(const std::string&)> note_;
  mutable std::uint64_t permitted_duplicates_ = 0;
};

}  // namespace sim
