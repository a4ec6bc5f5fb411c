// A WebSocket's upgrade and frames.
#include <algorithm>
#include <cstddef>
#include <string>

#include "base/check.hpp"
#include "edge/websocket.hpp"
#include "tests/edge/websocket_client.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

namespace {

using edge::WebSocket;
using edge::WebSocketOptions;

struct Outcome {
  std::string mqtt_bytes;
  WebSocket::End end = WebSocket::End::none;
  std::string violation;
  std::string close_frame;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(ByteBuffer bytes, std::size_t piece_bytes) {
  static const WebSocketOptions options{{"/mqtt"}, {"https://hmi.example"}};
  WebSocket websocket(options);
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size() && websocket.end() == WebSocket::End::none; at += piece_bytes) {
    const std::size_t size = std::min(piece_bytes, bytes.size() - at);
    const auto got = websocket.receive(bytes.data() + at, size);
    CHECK(got.size() <= size);
    outcome.mqtt_bytes += got;
    std::string out;
    websocket.frame(out, false);  // a response, a pong
    CHECK(out.size() < 1'000);
    websocket.removed_front(out.size());
  }
  outcome.end = websocket.end();
  if (websocket.violation() != nullptr) outcome.violation = websocket.violation();
  websocket.frame(outcome.close_frame, true);
  return outcome;
}

}  // namespace

void examine_websocket(ByteView input) {
  ByteReader reader(input);
  const bool upgraded = (reader.u8() & 1U) != 0;
  const std::size_t piece_bytes = 1 + reader.u8() % 32U;
  ByteBuffer bytes = upgraded ? edge::test::upgrade_request() : ByteBuffer();
  bytes.append(reader.rest());
  CHECK(outcome_of(bytes, std::max<std::size_t>(bytes.size(), 1)) == outcome_of(bytes, piece_bytes));
}

}  // namespace tandem::fuzz
