// libFuzzer entry: a client's first bytes at a WebSocket listener, upgrade and frames. The first byte says whether a
// good request comes first, the second how the rest is cut: cut or not, the same comes of it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "edge/websocket.hpp"
#include "tests/edge/websocket_client.hpp"

namespace {

using tandem::edge::WebSocket;
using tandem::edge::WebSocketOptions;

struct Outcome {
  std::string mqtt_bytes;
  WebSocket::End end = WebSocket::End::none;
  std::string violation;
  std::string close_frame;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(std::string bytes, std::size_t piece_bytes) {
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

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool upgraded = (data[0] & 1U) != 0;
  std::string bytes = upgraded ? tandem::edge::test::upgrade_request() : std::string();
  bytes.append(reinterpret_cast<const char*>(data + 2), size - 2);
  const Outcome whole = outcome_of(bytes, std::max<std::size_t>(bytes.size(), 1));
  const Outcome cut = outcome_of(bytes, 1 + data[1] % 32U);
  CHECK(whole == cut);
  return 0;
}
