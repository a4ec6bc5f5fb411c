// HELLO carries the feature level: neighbours work as a pair in both directions, anything else is refused on both boxes
// with a message that says what to do.
#include "doctest.hpp"

#include "mirror/pair.hpp"
#include "mirror/wire.hpp"

using namespace tandem;
using namespace tandem::mirror;

namespace {

constexpr std::uint64_t own_boot = 9;
const StreamEnd peer_end{77, 1};

Pair make_pair_of(Steady now) {
  PairOptions options;
  options.node_name = "boxa";
  options.has_peer = true;
  options.paths = 1;
  options.pair_ids = {"0123456789abcdef"};
  PairStart start;
  start.store_id_if_fresh = 3;
  start.boot_id = own_boot;
  return Pair(options, start, now);
}

// What `pair` has to say to a HELLO of that level and format; its answer to the peer in `hello`, if it sent one.
void greet(Pair& pair, std::uint32_t features, std::uint8_t format, std::optional<Hello>& hello, std::string& told) {
  pair.take_orders();
  Hello greeting;
  greeting.features = features;
  greeting.product = "7.8.9";
  greeting.pair_id = "0123456789abcdef";
  greeting.name = "boxb";
  ByteBuffer frame = start_frame({FrameKind::hello, peer_end, {}, 1});
  ByteWriter out(frame);
  put(out, greeting);
  frame[0] = static_cast<char>(format);
  pair.on_frame(0, frame, Steady{1'010});
  for (const Order& order : pair.take_orders()) {
    if (const auto* tell = std::get_if<Tell>(&order)) told += tell->sentence + "\n";
    const auto* sent = std::get_if<SendFrame>(&order);
    if (sent == nullptr) continue;
    ByteReader in(sent->bytes);
    std::uint8_t version = 0;
    const std::optional<FrameHeader> header = read_header(in, version);
    if (header && header->kind == FrameKind::hello && header->to == peer_end) hello = get_hello(in);
  }
}

}  // namespace

TEST_CASE("the own level and one more or less are accepted; nothing above the common level is written") {
  for (const std::uint32_t level : {feature_level - 1, feature_level, feature_level + 1}) {
    CAPTURE(level);
    Pair pair = make_pair_of(Steady{1'000});
    CHECK(pair.common_level() == feature_level);
    std::optional<Hello> hello;
    std::string told;
    greet(pair, level, wire_version, hello, told);
    REQUIRE(hello.has_value());
    CHECK(hello->features == feature_level);
    CHECK(told.find("refused") == std::string::npos);
    CHECK(pair.common_level() == std::min(level, feature_level));
  }
}

TEST_CASE("a level further away is refused: both boxes say so, with versions and advice") {
  for (const std::uint32_t level : {feature_level + 2, feature_level + 9, 0xFFFFFFFFU}) {
    CAPTURE(level);
    Pair pair = make_pair_of(Steady{1'000});
    std::optional<Hello> hello;
    std::string told;
    greet(pair, level, wire_version, hello, told);
    CHECK(told.find("The peer is refused") != std::string::npos);
    CHECK(told.find("7.8.9") != std::string::npos);
    CHECK(told.find("one step at a time") != std::string::npos);
    const PairStatus status = pair.status(Steady{1'020});
    CHECK(status.why.find("The peer is refused") != std::string::npos);
    CHECK(status.hint.find("feature level") != std::string::npos);
    // The other box hears our HELLO all the same (every heartbeat until a stream is up), and refuses us by the same
    // rule.
    pair.on_beat(Steady{1'050});
    bool greeted = false;
    for (const Order& order : pair.take_orders()) {
      const auto* sent = std::get_if<SendFrame>(&order);
      greeted = greeted || (sent != nullptr && sent->bytes[1] == static_cast<char>(FrameKind::hello));
    }
    CHECK(greeted);
  }
}

TEST_CASE("another wire format is refused with both formats named") {
  Pair pair = make_pair_of(Steady{1'000});
  std::optional<Hello> hello;
  std::string told;
  greet(pair, feature_level, wire_version + 1, hello, told);
  CHECK_FALSE(hello.has_value());
  CHECK(told.find("mirror format " + std::to_string(wire_version + 1)) != std::string::npos);
  CHECK(told.find("format " + std::to_string(wire_version)) != std::string::npos);
}

TEST_CASE("after an upgrade the same peer is accepted and the refusal is gone") {
  Pair pair = make_pair_of(Steady{1'000});
  std::optional<Hello> hello;
  std::string told;
  greet(pair, feature_level + 2, wire_version, hello, told);
  greet(pair, feature_level + 1, wire_version, hello, told);
  CHECK(pair.status(Steady{1'020}).why.find("refused") == std::string::npos);
}
