// WebSocket frames (RFC 6455), sans I/O: a client's frames to the bytes in them, and the frames that we send. Frames
// carry one stream of MQTT bytes: where one ends says nothing about packets ([MQTT5-6.0.0-2]).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.hpp"

namespace tandem::edge {

// Why a WebSocket ends; a client may have any other, too (RFC 6455, 7.4).
enum class CloseCode : std::uint16_t { normal = 1000, protocol_error = 1002, not_binary = 1003, too_large = 1009 };

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

class FrameReader {
 public:
  // Takes the client's next bytes, cut anywhere, and leaves the MQTT bytes among them at the front of the same memory.
  // Returns their number. Keeps no payload but that of a control frame, at most 125 bytes.
  std::size_t unframe(char* bytes, std::size_t size);

  // Nothing is taken any more: the client sent a close frame, or broke a rule.
  bool ended() const { return ended_; }
  // Then: what our close frame says, and the rule, null if the client closed in order.
  CloseCode close_code() const { return close_code_; }
  const char* violation() const { return violation_; }

  // The payload of the latest ping that has no pong yet: earlier ones need none (RFC 6455, 5.5.3).
  bool was_pinged() const { return ping_.has_value(); }
  std::optional<ByteBuffer> take_ping() { return std::exchange(ping_, std::nullopt); }

 private:
  static constexpr std::size_t max_head_bytes = 14;

  std::size_t take_head(const char* bytes, std::size_t size);
  std::size_t head_bytes_needed() const;
  void check_first_byte();
  void begin_payload();
  void end_frame();
  void take_close();
  void refuse(CloseCode code, const char* violation);
  bool is_control() const { return (head_[0] & 0x08U) != 0; }

  std::array<std::uint8_t, max_head_bytes> head_{};  // of the frame that is under way
  std::uint8_t head_size_ = 0;
  bool in_payload_ = false;  // the head is whole
  bool in_message_ = false;  // a fragmented message waits for its next fragment
  bool ended_ = false;
  CloseCode close_code_ = CloseCode::normal;
  std::uint32_t mask_ = 0;  // as it lies in memory: its first byte is for the payload's next one
  std::uint64_t payload_left_ = 0;
  const char* violation_ = nullptr;
  ByteBuffer control_;  // payload of the control frame that is under way
  std::optional<ByteBuffer> ping_;
};

// Our frames are whole messages and not masked.
void append_frame_head(Opcode opcode, std::size_t payload_bytes, ByteBuffer& out);
void append_control_frame(Opcode opcode, ByteView payload, ByteBuffer& out);
void append_close_frame(CloseCode code, ByteBuffer& out);

}  // namespace tandem::edge
