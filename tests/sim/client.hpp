// An MQTT client as a state machine over bytes: publishes, subscribes, acknowledges late, goes away and comes back,
// resumes its QoS 1/2 flows, and is strict about what it is told.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check_groups.hpp"
#include "history.hpp"
#include "mqtt/codec.hpp"

namespace sim {

using namespace tandem;

struct ClientPlan {
  std::string id;
  mqtt::Version version = mqtt::Version::v311;
  bool durable = true;
  int publish_every_ms = 0;  // 0: never
  int publish_qos = 1;
  std::string topic;  // "t/x": messages go to it, and to topic + "/n" now and then
  bool retain = false;
  std::vector<std::pair<std::string, int>> subscriptions;  // filter, QoS
  int ack_delay_ms = 0;                                    // at most
  int away_permille = 0;                                   // a chance a second to go away for a while
  bool changes_subscriptions = false;
  bool will = false;
  std::uint16_t keep_alive_s = 5;
};

// A message is its name, and now and then so many bytes behind it that output shares them.
std::string payload_of(const std::string& message);
std::string message_in(std::string_view payload);

class Client {
 public:
  Client(const ClientPlan& plan, std::uint64_t seed, History& history, GroupCheck& groups,
         std::function<void(const std::string&)> broken);

  const ClientPlan& plan() const { return plan_; }
  bool wants_connection(std::int64_t now) const { return !connected_ && now >= next_try_; }
  bool is_connected() const { return connected_; }
  bool wants_close() const { return wants_close_; }
  // Nothing of its own is under way any more.
  bool drained() const { return connected_ && established_ && out_.empty() && answers_.empty() && asked_.empty(); }
  void go_quiet() { quiet_ = true; }  // publishes nothing new, stays

  void connected(std::int64_t now, Server by);
  // `ours`: it was this client that closed.
  void disconnected(std::int64_t now, bool ours);
  void take(ByteView bytes, std::int64_t now);
  void tick(std::int64_t now);
  ByteBuffer give() { return std::exchange(output_, {}); }
  std::optional<mqtt::Reason> refused_with() const { return refused_with_; }  // by CONNACK or DISCONNECT
  std::int64_t silent_since() const { return waiting_since_; }                // 0: waits for nothing

 private:
  struct Out {
    std::string message;
    std::string topic;
    int qos = 1;
    bool retain = false;
    std::uint16_t packet_id = 0;
    bool released = false;  // QoS 2: PUBREC came
  };
  struct Answer {
    std::int64_t at;
    mqtt::Type type;
    std::uint16_t packet_id;
  };
  struct Asked {
    std::uint16_t packet_id;
    bool subscribe;
    std::string filter;
    int qos;
  };

  void on_packet(const mqtt::Packet& packet, std::int64_t now);
  void on_connack(const mqtt::Connack& packet, std::int64_t now);
  void on_publish(const mqtt::Publish& packet, std::int64_t now);
  void on_ack(const mqtt::Ack& packet, std::int64_t now);
  void on_suback(const mqtt::Suback& packet, std::int64_t now);
  void resume(std::int64_t now);
  void publish(std::int64_t now);
  void send_publish(const Out& out, bool dup);
  void subscribe(const std::string& filter, int qos);
  void unsubscribe(const std::string& filter, std::int64_t now);
  void change_subscription(std::int64_t now);
  void answer(mqtt::Type type, std::uint16_t packet_id, std::int64_t now);
  void forget_session(std::int64_t now);
  std::uint16_t next_id();
  std::uint64_t random(std::uint64_t below) { return rng_() % below; }
  void wait(std::int64_t now) {
    if (waiting_since_ == 0) waiting_since_ = now;
  }

  ClientPlan plan_;
  std::mt19937_64 rng_;
  History& history_;
  GroupCheck& groups_;
  std::function<void(const std::string&)> broken_;
  Server by_;

  bool connected_ = false;
  bool established_ = false;
  bool wants_close_ = false;
  std::optional<mqtt::Reason> refused_with_;
  bool quiet_ = false;
  bool clean_ = false;  // of the present CONNECT
  bool has_session_ = false;
  std::int64_t session_since_ = 0;  // only the box that began it may know it, in a split
  std::int64_t next_try_ = 0;
  std::int64_t next_publish_ = 0;
  std::int64_t next_second_ = 0;
  std::int64_t waiting_since_ = 0;
  std::uint64_t numbers_ = 0;
  std::uint64_t will_numbers_ = 0;
  std::uint16_t last_id_ = 0;
  ByteBuffer input_;
  ByteBuffer output_;
  std::deque<Out> out_;
  std::map<std::uint16_t, std::string> received_;  // QoS 2 in: not released
  std::deque<Answer> answers_;
  std::deque<Asked> asked_;
  std::map<std::string, int> subscribed_;  // as acknowledged
  mqtt::Packet packet_;
};

}  // namespace sim
