// Many clients that come at one moment, as after a takeover: each its TCP connection and CONNECT at once, nobody waits
// for another one. One thread on epoll.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/connection.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/options.hpp"

namespace tandem::bench {

class Storm {
 public:
  // Who comes. `round` tells the storms of one run apart: each has a source address of its own (127.0.1.round), so that
  // closed connections of the one before leave it all local ports.
  struct Kind {
    uint32_t round = 1;
    bool clean = true;       // MQTT 3: Clean Session; 5: Clean Start, and no session stays
    bool subscribe = false;  // a SUBSCRIBE behind the CONNECT, QoS 1; it is in when both are answered
    bool paced = false;      // at most 200 on their way at once: not a storm, only a crowd that has to be made
  };

  Storm(const LoadOptions& options, std::string run_id);
  ~Storm();
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

  // Until all are in or turned away, or for 60 s. Throws test::ClientError if no socket can be had.
  void come(const Kind& kind);
  void leave();  // DISCONNECT, in order

  uint32_t accepted() const { return accepted_; }
  uint32_t failed() const { return failed_; }             // refused, or the connection was closed
  uint32_t returned() const { return returned_; }         // found their session
  int64_t took_ns() const { return took_ns_; }            // from the first connect() to the last answer
  const Histogram& latency() const { return *latency_; }  // connect() to the CONNACK (SUBACK)

 private:
  struct Guest {
    std::unique_ptr<Connection> connection;
    int64_t began_ns = 0;
    uint8_t answers = 0;  // still to come
  };

  void open_one(uint32_t index, const Kind& kind);
  int dial(uint32_t round) const;
  void turn(int wait_ms);
  void on_packet(Guest& guest, uint8_t first, const char* body, size_t length);
  void watch(uint32_t index, int operation, bool output);
  void end(Guest& guest, bool in);

  const LoadOptions options_;
  const std::string run_id_;
  int epoll_ = -1;
  ReadBuffer buffer_;
  std::vector<Guest> guests_;
  std::unique_ptr<Histogram> latency_ = std::make_unique<Histogram>();
  uint32_t on_their_way_ = 0;
  uint32_t accepted_ = 0;
  uint32_t failed_ = 0;
  uint32_t returned_ = 0;
  int64_t took_ns_ = 0;
};

}  // namespace tandem::bench
