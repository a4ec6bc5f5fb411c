// A subscriber with a persistent session that keeps the books: which numbered message came how often, when,
// and in which order. It knows the QoS 2 receiver's duty: a packet id that is held is not a new message
// (MQTT5-4.3.3-10). Online it runs in a thread of its own and comes back after every lost connection.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/client.hpp"

namespace tandem::test {

struct SubscriberOptions {
  std::vector<Endpoint> endpoints;
  std::string client_id;
  uint8_t version = 4;
  std::string filter;
  uint8_t qos = 2;
  Millis silence{500};  // no PINGRESP for so long: the broker is taken for dead
  Millis give_up{30'000};
  // Both boxes may have lost their last moments (docs: durability "peer"): QoS 2 handshakes may start over.
  bool rolled_back_handshakes = false;
  // What a box acknowledged alone in a split comes behind what the other one took meanwhile (docs/limits.md).
  bool merged_late = false;
};

struct Received {
  uint32_t times = 0;
  SteadyTime first_at;
};

class Subscriber {
 public:
  explicit Subscriber(SubscriberOptions options);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void make_session();  // connects, subscribes and leaves
  void go_online();
  void go_offline();  // with DISCONNECT

  // Different messages of that topic so far.
  size_t count(const std::string& topic) const;
  // False: not so many within give_up.
  bool await_count(const std::string& topic, size_t wanted);
  // The message with that number has come; false: not within give_up.
  bool await_message(const std::string& topic, uint32_t number);
  std::map<uint32_t, Received> received(const std::string& topic) const;
  uint32_t reconnects() const { return reconnects_; }
  std::vector<std::string> violations() const;

 private:
  struct Held {
    std::string topic;
    std::string payload;
  };
  struct Topic {
    std::map<uint32_t, Received> messages;
    uint32_t highest = 0;
  };

  void go();
  void connect();
  void take(const Packet& packet);
  void take_publish(const Packet& packet);
  void note(const std::string& topic, const std::string& payload);
  void violation(const std::string& what);

  SubscriberOptions options_;
  Client client_;
  std::thread thread_;
  std::atomic<bool> leaving_{false};
  std::atomic<uint32_t> reconnects_{0};
  std::map<uint16_t, Held> held_;  // QoS 2 ids between PUBLISH and PUBREL
  SteadyTime heard_at_;
  bool pinged_ = false;
  bool had_session_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Topic> topics_;
  std::vector<std::string> violations_;
};

}  // namespace tandem::test
