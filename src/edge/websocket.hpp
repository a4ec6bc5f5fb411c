// One client's WebSocket between its socket and its MQTT bytes: the upgrade, then frames both ways. Sans I/O, and only
// there for clients of such a listener; what comes and goes here is what a TLS session would carry.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "edge/edge.hpp"
#include "edge/websocket_frames.hpp"

namespace tandem::edge {

class WebSocket {
 public:
  enum class End : std::uint8_t {
    none,
    refused,   // it never was a WebSocket: the response says why
    closed,    // the client's close frame
    violated,  // of a rule for frames
  };

  // The options outlive it.
  explicit WebSocket(const WebSocketOptions& options) : options_(&options) {}

  // Takes what the socket gave, cut anywhere, and returns the MQTT bytes in it, which lie in the same memory.
  ByteView receive(char* bytes, std::size_t size);
  End end() const;
  const char* violation() const { return reader_.violation(); }

  // Something is to be written although no MQTT is: the response to the upgrade, a pong.
  bool has_to_say() const { return !to_say_.empty() || reader_.was_pinged(); }
  // Makes wire bytes of the MQTT bytes that `out` has got since the last time: one binary frame, several if it is
  // much, behind what has_to_say() meant. `last`: nothing follows but the close frame.
  void frame(ByteBuffer& out, bool last);
  // The first `count` bytes of `out` are not there any more.
  void removed_front(std::size_t count) { framed_ -= count; }

 private:
  std::size_t take_request(ByteView bytes);
  void frame_in_parts(ByteBuffer& out);

  enum class Stage : std::uint8_t { request, refused, open, close_sent };

  const WebSocketOptions* options_;
  Stage stage_ = Stage::request;
  ByteBuffer request_;  // what has come of it, at most limits::websocket_request_bytes
  ByteBuffer to_say_;
  std::size_t framed_ = 0;  // bytes of `out` that are wire bytes
  FrameReader reader_;
};

}  // namespace tandem::edge
