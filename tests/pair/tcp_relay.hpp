// A cable between two boxes that a test can pull: a TCP relay on 127.0.0.1 in a thread of its own, for one direction of
// dialling of one path.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <thread>

namespace tandem::test {

class TcpRelay {
 public:
  // Listens on a port of its own and joins every caller to `to_port`.
  explicit TcpRelay(uint16_t to_port);
  ~TcpRelay();
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  uint16_t port() const { return port_; }
  uint64_t bytes() const { return bytes_; }  // moved so far, both directions
  // Every connection is reset, new ones are refused.
  void cut() { become(State::cut); }
  // Connections stay, nothing moves: as behind a switch that lost its power.
  void stall() { become(State::stalled); }
  // As in the beginning. What was stalled goes on.
  void restore() { become(State::passing); }

 private:
  enum class State { passing, stalled, cut, ended };
  struct Way {  // bytes from one end to the other
    char bytes[64 * 1024];
    size_t begin = 0;
    size_t end = 0;
  };
  struct Joint {
    int ends[2] = {-1, -1};
    Way ways[2];  // ways[i]: read from ends[i], written to the other
  };

  void become(State state);
  void go();
  void obey();
  void listen();
  void join_callers();
  bool move(Joint& joint, int from);
  void end_joint(Joint& joint);

  uint16_t to_port_;
  uint16_t port_;
  int wake_;
  int listener_ = -1;
  std::atomic<State> wanted_{State::passing};
  std::atomic<State> state_{State::cut};  // obeyed by the thread
  std::atomic<uint64_t> bytes_{0};
  std::list<Joint> joints_;
  std::thread thread_;
};

}  // namespace tandem::test
