#include "edge/websocket_frames.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace tandem::edge {

namespace {

constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_of_16_bits = 126;
constexpr std::uint8_t length_of_64_bits = 127;
constexpr std::size_t max_control_bytes = 125;

// Unmasks `size` bytes on their way to `to`, which is not behind `from`; the mask then begins with the byte for the
// next one.
void unmask(char* to, const char* from, std::size_t size, std::uint32_t& mask) {
  const std::uint64_t twice = (std::uint64_t{mask} << 32) | mask;
  std::size_t at = 0;
  for (; at + sizeof twice <= size; at += sizeof twice) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + at, sizeof word);
    word ^= twice;
    std::memcpy(to + at, &word, sizeof word);
  }
  char key[sizeof mask];
  std::memcpy(key, &mask, sizeof key);
  for (std::size_t i = 0; at < size; ++at, ++i) to[at] = static_cast<char>(from[at] ^ key[i % sizeof key]);
  std::rotate(key, key + size % sizeof key, key + sizeof key);
  std::memcpy(&mask, key, sizeof mask);
}

std::uint64_t big_endian(const std::uint8_t* bytes, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = (value << 8) | bytes[i];
  return value;
}

// Those that may stand in a close frame (RFC 6455, 7.4 and its registry).
bool is_close_code(std::uint64_t code) {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

}  // namespace

std::size_t FrameReader::unframe(char* bytes, std::size_t size) {
  std::size_t mqtt_bytes = 0;
  for (std::size_t at = 0; at < size && !ended_;) {
    if (!in_payload_) {
      at += take_head(bytes + at, size - at);
      continue;
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, size - at));
    if (is_control()) {
      const std::size_t before = control_.size();
      control_.resize(before + count);
      unmask(control_.data() + before, bytes + at, count, mask_);
    } else {
      unmask(bytes + mqtt_bytes, bytes + at, count, mask_);
      mqtt_bytes += count;
    }
    at += count;
    payload_left_ -= count;
    if (payload_left_ == 0) end_frame();
  }
  return mqtt_bytes;
}

// Returns the bytes used. What is wrong with a head is said as soon as it can be known.
std::size_t FrameReader::take_head(const char* bytes, std::size_t size) {
  std::size_t used = 0;
  while (used < size && !in_payload_ && !ended_) {
    head_[head_size_++] = static_cast<std::uint8_t>(bytes[used++]);
    if (head_size_ == 1) {
      check_first_byte();
    } else if (head_size_ == 2 && (head_[1] & mask_bit) == 0) {
      refuse(CloseCode::protocol_error, "a WebSocket frame that is not masked");
    } else if (head_size_ >= 2 && head_size_ == head_bytes_needed()) {
      begin_payload();
    }
  }
  return used;
}

std::size_t FrameReader::head_bytes_needed() const {
  const unsigned length = head_[1] & ~unsigned{mask_bit};
  const std::size_t more = length == length_of_64_bits ? 8 : length == length_of_16_bits ? 2 : 0;
  return 2 + more + sizeof mask_;
}

void FrameReader::check_first_byte() {
  const bool is_final = (head_[0] & final_bit) != 0;
  if ((head_[0] & reserved_bits) != 0) {
    return refuse(CloseCode::protocol_error, "a WebSocket frame of an extension that was not agreed on");
  }
  switch (static_cast<Opcode>(head_[0] & 0x0FU)) {
    case Opcode::text:
      return refuse(CloseCode::not_binary, "a WebSocket text frame: MQTT is in binary ones");  // [MQTT5-6.0.0-1]
    case Opcode::binary:
      if (in_message_) refuse(CloseCode::protocol_error, "a WebSocket message inside of another");
      break;
    case Opcode::continuation:
      if (!in_message_) refuse(CloseCode::protocol_error, "a WebSocket continuation frame that continues nothing");
      break;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if (!is_final) refuse(CloseCode::protocol_error, "a WebSocket control frame in fragments");
      return;
    default:
      return refuse(CloseCode::protocol_error, "a WebSocket frame of an unknown kind");
  }
  in_message_ = !is_final;
}

void FrameReader::begin_payload() {
  const unsigned short_length = head_[1] & ~unsigned{mask_bit};
  const std::size_t length_bytes = head_size_ - 2 - sizeof mask_;
  payload_left_ = length_bytes == 0 ? short_length : big_endian(head_.data() + 2, length_bytes);
  std::memcpy(&mask_, head_.data() + 2 + length_bytes, sizeof mask_);
  if (is_control() && payload_left_ > max_control_bytes) {
    return refuse(CloseCode::protocol_error, "a WebSocket control frame of more than 125 bytes");
  }
  if ((length_bytes == 2 && payload_left_ < length_of_16_bits) || (length_bytes == 8 && payload_left_ <= 0xFFFF)) {
    return refuse(CloseCode::protocol_error, "a WebSocket frame with its length in more bytes than it needs");
  }
  if (payload_left_ > limits::websocket_frame_bytes) {
    return refuse(CloseCode::too_large, "a WebSocket frame of more than 16 MiB");
  }
  in_payload_ = true;
  if (payload_left_ == 0) end_frame();
}

void FrameReader::end_frame() {
  const auto opcode = static_cast<Opcode>(head_[0] & 0x0FU);
  if (opcode == Opcode::ping) ping_ = std::move(control_);
  if (opcode == Opcode::close) take_close();
  ByteBuffer().swap(control_);
  head_size_ = 0;
  in_payload_ = false;
}

void FrameReader::take_close() {
  if (!control_.empty()) {
    const std::uint16_t code = ByteReader(control_).u16_be();
    if (!is_close_code(code)) return refuse(CloseCode::protocol_error, "a WebSocket close frame without a valid code");
    close_code_ = static_cast<CloseCode>(code);
  }
  ended_ = true;
}

void FrameReader::refuse(CloseCode code, const char* violation) {
  ended_ = true;
  close_code_ = code;
  violation_ = violation;
}

void append_frame_head(Opcode opcode, std::size_t payload_bytes, ByteBuffer& out) {
  out.push_back(static_cast<char>(final_bit | static_cast<std::uint8_t>(opcode)));
  const std::size_t length_bytes = payload_bytes < length_of_16_bits ? 0 : payload_bytes <= 0xFFFF ? 2 : 8;
  out.push_back(static_cast<char>(length_bytes == 0   ? payload_bytes
                                  : length_bytes == 2 ? length_of_16_bits
                                                      : length_of_64_bits));
  for (std::size_t i = length_bytes; i > 0; --i) out.push_back(static_cast<char>(payload_bytes >> (8 * (i - 1))));
}

void append_control_frame(Opcode opcode, ByteView payload, ByteBuffer& out) {
  CHECK(payload.size() <= max_control_bytes);
  append_frame_head(opcode, payload.size(), out);
  out.append(payload);
}

void append_close_frame(CloseCode code, ByteBuffer& out) {
  const auto number = static_cast<std::uint16_t>(code);
  const char payload[] = {static_cast<char>(number >> 8), static_cast<char>(number & 0xFFU)};
  append_control_frame(Opcode::close, {payload, sizeof payload}, out);
}

}  // namespace tandem::edge
