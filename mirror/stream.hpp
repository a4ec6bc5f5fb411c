// The life of the connection between two processes, from HELLO to loss. Each side names its own end (boot, number); a
// stream is the pair of both ends, so a frame of an earlier life or an earlier stream is recognised and ignored.
#pragma once

#include <cstdint>
#include <deque>

namespace tandem::mirror {

struct StreamEnd {
  std::uint64_t boot = 0;    // random per process start; 0: unknown
  std::uint32_t number = 0;  // grows with each stream that this process begins
  friend bool operator==(const StreamEnd&, const StreamEnd&) = default;
};

class Stream {
 public:
  enum class Change : std::uint8_t {
    none,
    ignored,    // from a dead life or an older stream
    went_down,  // the peer left the stream, or another process of its box says that it is the peer
    went_up,    // a new stream; an earlier one, if any, is over
  };

  explicit Stream(std::uint64_t boot) : own_{boot, 1} {}

  bool up() const { return up_; }
  StreamEnd own() const { return own_; }
  StreamEnd peer() const { return up_ ? peer_ : heard_; }  // what a HELLO echoes

  // `echo`: the end of ours that the peer has heard. A peer that echoes our present end is alive now.
  Change on_hello(StreamEnd from, StreamEnd echo);
  // Is this a frame of the present stream?
  bool accepts(StreamEnd from, StreamEnd to) const { return up_ && from == peer_ && to == own_; }
  // Leaves the stream, or forgets a handshake half done. The next one has another name.
  void leave();

 private:
  bool is_dead(std::uint64_t boot) const;
  Change go_down();

  StreamEnd own_;
  StreamEnd peer_;
  StreamEnd heard_;   // to be echoed: the peer has been heard in this handshake
  StreamEnd latest_;  // newest end heard of the life heard last
  bool up_ = false;
  std::deque<std::uint64_t> dead_;  // boots that were replaced by a later one; bounded
};

}  // namespace tandem::mirror
