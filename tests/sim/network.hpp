// The cables between the boxes: per path and direction a pipe that delays, stalls, breaks (what is under way is lost,
// as when ZeroMQ reconnects) and now and then hands a frame over twice.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "mirror/link.hpp"

namespace sim {

using namespace tandem;

class Network {
 public:
  static constexpr std::size_t paths = 2;

  Network(std::uint64_t seed, int latency_ms_max) : rng_(seed), latency_ms_max_(latency_ms_max) {}

  enum class State : std::uint8_t { up, stalled, broken };
  void set(int from, std::size_t path, State state);
  void set_all(State state);
  void node_gone(int node);  // its connections end
  void set_duplicates(int permille) { duplicates_permille_ = permille; }
  void set_latency(int ms_max) { latency_ms_max_ = ms_max; }
  void set_base_latency(int ms) { base_ms_ = ms; }  // of every frame, besides

  void set_loses_batches(bool loses) { loses_batches_ = loses; }

  bool send(int from, std::size_t path, ByteView head, ByteView body, std::int64_t now);
  bool has_due(int to, std::int64_t now) const;
  void drain(int to, std::int64_t now, const std::function<void(std::size_t, ByteView)>& take);

 private:
  struct Frame {
    std::int64_t due;
    ByteBuffer bytes;
  };
  struct Pipe {
    State state = State::up;
    std::deque<Frame> frames;
    std::int64_t last_due = 0;
  };
  Pipe& pipe(int from, std::size_t path) { return pipes_[static_cast<std::size_t>(from)][path]; }

  std::mt19937_64 rng_;
  int latency_ms_max_;
  int base_ms_ = 0;
  bool loses_batches_ = false;
  int duplicates_permille_ = 0;
  std::array<std::array<Pipe, paths>, 2> pipes_;
};

// One node's end.
class SimLink final : public mirror::Link {
 public:
  SimLink(Network& network, int node, const std::int64_t& now, std::size_t path_count)
      : network_(network), node_(node), now_(now), paths_(path_count) {}
  std::size_t paths() const override { return paths_; }
  std::vector<int> fds() const override { return {}; }
  void drain(const std::function<void(std::size_t path, ByteView frame)>& take) override {
    network_.drain(node_, now_, take);
  }
  bool send(std::size_t path, ByteView head, ByteView body) override {
    return network_.send(node_, path, head, body, now_);
  }
  Status change_keys(const mirror::KeyPair&, const std::vector<std::string>&) override { return {}; }
  std::vector<std::string> troubles() const override { return {}; }

 private:
  Network& network_;
  int node_;
  const std::int64_t& now_;
  std::size_t paths_;
};

}  // namespace sim
