// All publishers and subscribers of one run, in one thread and one epoll: connects them, keeps the windows
// full or the rate even, and counts what arrives.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/connection.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/options.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/sequence.hpp"
#include "tests/client/client.hpp"

namespace tandem::bench {

struct Counters {
  uint64_t published = 0;
  uint64_t acknowledged = 0;  // PUBACK or PUBCOMP; QoS 0: 0
  uint64_t delivered = 0;
  uint64_t refused = 0;  // acknowledged with a reason code of 0x80 or more
  uint64_t foreign = 0;  // messages that are not ours, or damaged
  uint64_t stalls = 0;   // windows reopened because nothing moved any more (messages were dropped at the end)
};

struct Losses {
  uint64_t lost = 0;
  uint64_t duplicates = 0;
  uint64_t reordered = 0;
};

class Fleet {
 public:
  explicit Fleet(const LoadOptions& options);
  ~Fleet();

  // Blocking, with deadlines; throw test::ClientError.
  void connect_publishers();
  void connect_subscribers();     // new sessions, subscribed
  void disconnect_subscribers();  // in order: their durable sessions stay
  void reconnect_subscribers();   // to those sessions
  void remove_sessions();         // leaves no durable session behind

  // Publishers send until stop_sending(), or until each has sent its share of `limit` (0 = no limit).
  // await_delivery: a message also holds its place in the window until it is delivered.
  void start_sending(uint64_t limit, bool await_delivery);
  void stop_sending() { sending_ = false; }
  bool sent_all() const;
  bool all_acknowledged() const { return options_.qos == 0 || counters_.acknowledged == counters_.published; }
  // Every copy arrived, or was jumped over.
  bool all_delivered() const { return arrived_ >= counters_.published * copies_; }

  // One pass: wait for sockets (at most wait_ns), read, send, write. False once a connection broke: see
  // broken().
  bool turn(int64_t wait_ns);
  const std::string& broken() const { return broken_; }

  const Counters& counters() const { return counters_; }
  Losses losses() const;
  Histogram& latency() { return *latency_; }
  void measure_latency(bool on) { measure_latency_ = on; }
  uint32_t window() const { return window_; }  // what the options say, less if the broker's receive maximum is less
  uint64_t copies() const { return copies_; }  // subscribers that each message goes to

 private:
  struct Publisher {
    std::unique_ptr<Connection> connection;
    std::unique_ptr<PublishTemplate> frame;
    uint64_t sent = 0;
    uint64_t acknowledged = 0;
    uint64_t arrived = 0;   // copies delivered or jumped over
    bool may_send = false;  // in ready_
  };
  struct Subscriber {
    std::unique_ptr<Connection> connection;
    std::string client_id;
  };

  test::ClientOptions client_options(const std::string& client_id) const;
  std::string topic_of(uint32_t publisher) const;
  std::string filter_of(uint32_t subscriber) const;
  void open_subscriber(uint32_t index, bool returning);
  std::unique_ptr<Connection> adopt(test::Client& client, uint32_t tag);

  void handle(uint32_t tag, uint32_t events);
  void read_publisher(uint32_t index);
  void read_subscriber(uint32_t index);
  void on_publisher_packet(uint32_t index, uint8_t first, const char* body, size_t length);
  void on_subscriber_packet(uint32_t index, uint8_t first, const char* body, size_t length);
  void on_message(uint32_t subscriber, uint8_t first, const char* body, size_t length);

  void mark_ready(uint32_t publisher);
  uint64_t free_places(const Publisher& publisher) const;
  void send_saturated();
  void send_paced();
  void send_one(uint32_t publisher, int64_t stamp_ns);
  void queue_flush(Connection& connection, uint32_t tag);
  void flush_all();
  void reopen_stalled(int64_t now_ns);
  void break_off(uint32_t tag, const std::string& why);

  const LoadOptions options_;
  const std::string run_id_;
  int epoll_ = -1;
  std::vector<Publisher> publishers_;
  std::vector<Subscriber> subscribers_;
  std::vector<Sequence> sequences_;  // by publisher; fan-out: by subscriber
  std::vector<uint32_t> ready_;      // publishers whose window may have opened
  std::vector<uint32_t> ready_now_;
  std::vector<uint32_t> to_flush_;  // tags
  ReadBuffer buffer_;
  std::unique_ptr<Histogram> latency_ = std::make_unique<Histogram>();
  Counters counters_;
  uint64_t copies_ = 1;
  uint64_t arrived_ = 0;
  uint32_t window_ = 1;
  bool sending_ = false;
  bool await_delivery_ = true;
  bool measure_latency_ = false;
  uint64_t limit_ = 0;  // per publisher, 0 = none
  int64_t now_ns_ = 0;  // refreshed at each read and each turn
  double next_due_ns_ = 0;
  uint32_t next_paced_ = 0;
  int64_t stall_check_ns_ = 0;
  uint64_t stall_progress_ = 0;
  std::string broken_;
};

}  // namespace tandem::bench
