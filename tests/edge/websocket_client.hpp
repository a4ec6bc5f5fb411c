// What a WebSocket client sends: its request, and masked frames. Independent of src/edge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::edge::test {

inline constexpr std::uint8_t continuation_frame = 0;
inline constexpr std::uint8_t text_frame = 1;
inline constexpr std::uint8_t binary_frame = 2;
inline constexpr std::uint8_t close_frame = 8;
inline constexpr std::uint8_t ping_frame = 9;
inline constexpr std::uint8_t pong_frame = 10;

// The example of RFC 6455, 1.3: the answer to this request has this Sec-WebSocket-Accept.
inline constexpr std::string_view example_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
inline std::string upgrade_request(std::string_view path = "/mqtt", std::string_view subprotocol = "mqtt",
                                   std::string_view more_headers = {}) {
  std::string text = "GET " + std::string(path) + " HTTP/1.1\r\nHost: broker\r\nUpgrade: websocket\r\n";
  text +=
      "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
  if (!subprotocol.empty()) text.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  return text.append(more_headers).append("\r\n");
}

// A frame of a client. `first` without the final bit: a fragment.
inline constexpr std::uint8_t final_bit = 0x80;
inline std::string masked(std::uint8_t first, std::string_view payload, std::uint32_t mask = 0x37fa213d) {
  std::string frame(1, static_cast<char>(first));
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size <= 0xFFFF ? 2 : 8;
  frame.push_back(static_cast<char>(0x80 | (length_bytes == 0 ? size : length_bytes == 2 ? 126U : 127U)));
  for (int i = length_bytes - 1; i >= 0; --i) frame.push_back(static_cast<char>(size >> (8 * i)));
  char key[4];
  for (int i = 0; i < 4; ++i) frame.push_back(key[i] = static_cast<char>(mask >> (24 - 8 * i)));
  for (std::size_t i = 0; i < size; ++i) frame.push_back(static_cast<char>(payload[i] ^ key[i % 4]));
  return frame;
}
inline std::string binary(std::string_view payload, std::uint32_t mask = 0x37fa213d) {
  return masked(final_bit | binary_frame, payload, mask);
}
inline std::string ping_of(std::string_view payload) {
  return masked(final_bit | ping_frame, payload);
}
inline std::string close_of(std::uint16_t code) {
  const char payload[] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return masked(final_bit | close_frame, {payload, sizeof payload});
}

// The server's, not masked, of less than 126 bytes.
inline std::string plain(std::uint8_t opcode, std::string_view payload) {
  return std::string{static_cast<char>(0x80 | opcode), static_cast<char>(payload.size())}.append(payload);
}
inline std::string plain_close(std::uint16_t code) {
  const char payload[] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return plain(close_frame, {payload, sizeof payload});
}

}  // namespace tandem::edge::test
