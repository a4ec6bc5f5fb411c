// A publisher that does what MQTT asks of a client with a persistent session: numbered messages, several in
// flight, and after a lost connection every unacknowledged one again, in order, with DUP (MQTT5-4.4.0-1).
// Runs in a thread of its own. What the broker must not do is written down as a violation.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/client.hpp"

namespace tandem::test {

struct PublisherOptions {
  std::vector<Endpoint> endpoints;
  std::string client_id;
  uint8_t version = 4;
  std::string topic;  // the payload is the message's number, from 0
  uint8_t qos = 1;
  size_t window = 50;        // messages in flight
  size_t payload_bytes = 0;  // padded up to it
  uint32_t rate_per_s = 0;   // 0: as fast as the window lets
  Millis silence{500};       // no answer to a message in flight for so long: the broker is taken for dead
  Millis give_up{30'000};    // a violation if one message is not acknowledged within it
};

class Publisher {
 public:
  explicit Publisher(PublisherOptions options);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Publishes `count` more messages, or until finish(); one of them at a time.
  void start(uint32_t count);
  void start_endless();
  // Nothing new is published; returns when everything is acknowledged. False: it gave up.
  bool finish();
  // Returns when all `count` are acknowledged. False: it gave up.
  bool wait();

  const PublisherOptions& options() const { return options_; }
  uint32_t sent() const { return next_number_; }  // messages sent at least once
  uint32_t acked() const { return acked_; }       // messages that the broker has taken
  uint32_t reconnects() const { return reconnects_; }
  // When message n was acknowledged; only those below acked(), not while it runs.
  const std::vector<SteadyTime>& acked_at() const { return acked_at_; }
  std::vector<std::string> violations() const;

 private:
  struct Flight {
    uint16_t pid = 0;
    uint32_t number = 0;
    bool received = false;  // PUBREC came: only PUBREL is sent from now on
  };

  void go();
  bool finished() const;
  void connect();
  void resend();
  void top_up();
  void send_new();
  void take(const Packet& packet);
  void take_first_answer(const Packet& packet);
  void take_pubcomp(const Packet& packet);
  uint32_t allowed_by_rate() const;
  Millis patience() const;
  std::string payload(uint32_t number) const;
  Publish message(const Flight& flight, bool dup) const;
  void violation(const std::string& what);

  PublisherOptions options_;
  Client client_;
  std::thread thread_;
  std::atomic<uint32_t> goal_{0};
  std::atomic<uint32_t> next_number_{0};
  std::atomic<uint32_t> acked_{0};
  std::atomic<uint32_t> reconnects_{0};
  std::atomic<bool> gave_up_{false};
  std::deque<Flight> flights_;
  std::vector<SteadyTime> acked_at_;
  SteadyTime progress_at_;
  SteadyTime started_at_;
  uint32_t started_number_ = 0;
  uint16_t last_pid_ = 0;
  bool had_session_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> violations_;
};

}  // namespace tandem::test
