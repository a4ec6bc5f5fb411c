// Pipes of the simulated cables.
#include "network.hpp"

#include "mirror/wire.hpp"

namespace sim {

namespace {

bool is_batch(ByteView head) {
  ByteReader in(head);
  std::uint8_t version = 0;
  const auto header = mirror::read_header(in, version);
  return header && header->kind == mirror::FrameKind::batch;
}

}  // namespace

void Network::set(int from, std::size_t path, State state) {
  Pipe& one = pipe(from, path);
  one.state = state;
  if (state == State::broken) one.frames.clear();
}

void Network::set_all(State state) {
  for (int from = 0; from < 2; ++from) {
    for (std::size_t path = 0; path < paths; ++path) set(from, path, state);
  }
}

void Network::node_gone(int node) {
  for (std::size_t path = 0; path < paths; ++path) {
    pipe(1 - node, path).frames.clear();
    if (rng_() % 2 == 0) pipe(node, path).frames.clear();  // else the kernel still sends what it has
  }
}

bool Network::send(int from, std::size_t path, ByteView head, ByteView body, std::int64_t now) {
  Pipe& one = pipe(from, path);
  if (one.state == State::broken) return false;
  if (loses_batches_ && is_batch(head)) return true;
  const int copies = duplicates_permille_ > 0 && static_cast<int>(rng_() % 1000) < duplicates_permille_ ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const auto delay = base_ms_ + static_cast<std::int64_t>(rng_() % static_cast<unsigned>(latency_ms_max_ + 1));
    one.last_due = std::max(one.last_due, now + delay);
    ByteBuffer bytes(head);
    bytes.append(body);
    one.frames.push_back({one.last_due, std::move(bytes)});
  }
  return true;
}

bool Network::has_due(int to, std::int64_t now) const {
  for (const Pipe& one : pipes_[static_cast<std::size_t>(1 - to)]) {
    if (one.state == State::up && !one.frames.empty() && one.frames.front().due <= now) return true;
  }
  return false;
}

void Network::drain(int to, std::int64_t now, const std::function<void(std::size_t, ByteView)>& take) {
  for (std::size_t path = 0; path < paths; ++path) {
    Pipe& one = pipe(1 - to, path);
    while (one.state == State::up && !one.frames.empty() && one.frames.front().due <= now) {
      const Frame frame = std::move(one.frames.front());
      one.frames.pop_front();
      take(path, frame.bytes);
    }
  }
}

}  // namespace sim
