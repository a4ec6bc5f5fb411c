// Makes frames of the present stream and chooses the path that each takes.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "mirror/heartbeat.hpp"
#include "mirror/pair.hpp"
#include "mirror/stream.hpp"
#include "mirror/wire.hpp"

namespace tandem::mirror {

class Post {
 public:
  Post(std::uint64_t boot, std::size_t paths, const Heartbeat& beats, std::vector<Order>& orders)
      : stream_(boot), paths_(paths), beats_(beats), orders_(orders) {}

  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }
  std::size_t paths() const { return paths_; }

  // On which paths the peer says it hears us (bit i: path i).
  void peer_hears(std::uint8_t paths) { peer_hears_ = paths; }
  // A path that works both ways, as far as known; keeps the last one while it works.
  std::size_t path() {
    if (!usable(preferred_)) flip();
    return preferred_;
  }
  // Takes the next usable path. False if there is no other.
  bool flip() {
    for (std::size_t step = 1; step < paths_; ++step) {
      const std::size_t candidate = (preferred_ + step) % paths_;
      if (!usable(candidate)) continue;
      preferred_ = candidate;
      return true;
    }
    return false;
  }
  bool has_other_path() const {
    for (std::size_t i = 0; i < paths_; ++i) {
      if (i != preferred_ && usable(i)) return true;
    }
    return false;
  }

  template <class Body>
  void send(FrameKind kind, const Body& body) {
    send_on(path(), kind, stream_.peer(), body);
  }
  template <class Body>
  void send_on_all_paths(FrameKind kind, const Body& body) {
    for (std::size_t i = 0; i < paths_; ++i) send_on(i, kind, stream_.peer(), body);
  }
  template <class Body>
  void send_on(std::size_t path_index, FrameKind kind, StreamEnd to, const Body& body) {
    ByteBuffer frame = start_frame({kind, stream_.own(), to, ++sequence_});
    ByteWriter out(frame);
    put(out, body);
    orders_.push_back(SendFrame{path_index, std::move(frame), nullptr});
  }
  void send_encoded(FrameKind kind, ByteView body) {
    ByteBuffer frame = start_frame({kind, stream_.own(), stream_.peer(), ++sequence_});
    frame.append(body);
    orders_.push_back(SendFrame{path(), std::move(frame), nullptr});
  }
  void send_batch(const Batch& batch) {
    ByteBuffer frame = start_frame({FrameKind::batch, stream_.own(), stream_.peer(), ++sequence_});
    ByteWriter out(frame);
    put(out, BatchHead{batch.first, batch.count, batch.epoch, batch.time});
    orders_.push_back(SendFrame{path(), std::move(frame), batch.bytes});
  }

 private:
  bool usable(std::size_t path_index) const {
    return beats_.path_up(path_index) && (peer_hears_ == 0 || (peer_hears_ >> path_index & 1U) != 0);
  }

  Stream stream_;
  std::size_t paths_;
  const Heartbeat& beats_;
  std::vector<Order>& orders_;
  std::uint64_t sequence_ = 0;
  std::size_t preferred_ = 0;
  std::uint8_t peer_hears_ = 0;
};

}  // namespace tandem::mirror
