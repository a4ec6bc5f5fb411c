// A peer that holds the right key and sends rubbish: nothing crashes, no promise breaks, memory stays bounded.
#include <random>

#include "doctest.hpp"
#include "frames.hpp"
#include "mirror/wire.hpp"
#include "sim.hpp"

using namespace tandem;
using sim::World;

namespace {

// Orders of a Pair under attack are thrown away, writes are answered at once: it wanders through all its states.
void obey(mirror::Pair& pair, Steady now, std::size_t& frames_sent) {
  for (auto orders = pair.take_orders(); !orders.empty(); orders = pair.take_orders()) {
    for (const mirror::Order& order : orders) {
      if (const auto* meta = std::get_if<mirror::WriteMeta>(&order)) pair.on_meta_written(meta->token, now);
      if (std::get_if<mirror::Rewind>(&order) != nullptr) pair.on_rewound(true, now);
      if (std::get_if<mirror::Wipe>(&order) != nullptr) pair.on_wiped(now);
      if (std::get_if<mirror::EndImage>(&order) != nullptr) pair.on_image_loaded(Lsn{90}, now);
      if (const auto* apply = std::get_if<mirror::ApplyBatch>(&order)) pair.on_applied(apply->batch.last(), now);
      if (std::get_if<mirror::NextChunk>(&order) != nullptr) pair.on_chunk({}, now);
      if (std::get_if<mirror::SendFrame>(&order) != nullptr) ++frames_sent;
    }
  }
}

ByteBuffer aimed(ByteBuffer bytes, mirror::StreamEnd from, mirror::StreamEnd to, std::uint64_t sequence) {
  ByteBuffer head = mirror::start_frame({static_cast<mirror::FrameKind>(bytes[1]), from, to, sequence});
  return head + bytes.substr(mirror::frame_header_bytes);
}

}  // namespace

TEST_CASE("mutated frames of the right stream, in any order, in every state") {
  std::mt19937_64 rng(7);
  const auto examples = frames::examples();
  for (int run = 0; run < 60; ++run) {
    mirror::PairOptions options;
    options.node_name = "boxb";
    options.has_peer = true;
    options.paths = 1;
    options.pair_ids = {"0123456789abcdef"};
    options.boot_wait_ms = 1'000;
    mirror::PairStart start;
    start.store_id_if_fresh = 3;
    start.boot_id = 9;
    if (run % 2 == 1) {
      start.meta = examples.back().bytes;
      start.log_last = start.log_first = Lsn{120};
    }
    std::int64_t ms = 1'000;
    mirror::Pair pair(options, start, Steady{ms});
    std::size_t sent = 0;
    std::uint64_t sequence = 1'000;
    for (int i = 0; i < 3'000; ++i) {
      if (rng() % 5 == 0) {
        ms += static_cast<std::int64_t>(rng() % 40);
        pair.on_turn(Steady{ms});
      }
      if (rng() % 20 == 0) pair.on_beat(Steady{ms});
      ByteBuffer bytes = examples[rng() % (examples.size() - 1)].bytes;
      const mirror::StreamEnd own{9, static_cast<std::uint32_t>(1 + rng() % 3)};
      bytes = aimed(bytes, {5, 1}, own, ++sequence);
      for (std::uint64_t n = rng() % 3; n > 0; --n) {
        const std::size_t at = mirror::frame_header_bytes + rng() % (bytes.size() - mirror::frame_header_bytes);
        bytes[at] = static_cast<char>(rng());
      }
      pair.on_frame(0, bytes, Steady{ms});
      obey(pair, Steady{ms}, sent);
      (void)pair.status(Steady{ms});
    }
    CHECK(sent < 50'000);
  }
}

TEST_CASE("random bytes are ignored") {
  World w({});
  w.nodes[0]->boot();
  w.nodes[1]->boot();
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  std::mt19937_64 rng(3);
  for (int i = 0; i < 20'000; ++i) {
    ByteBuffer bytes(rng() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(rng());
    if (!bytes.empty() && rng() % 2 == 0) bytes[0] = 1;
    w.nodes[rng() % 2]->deliver(0, bytes);
    if (i % 50 == 0) w.run(1);
  }
  w.run(100);
  CHECK(w.settled());
  CHECK(w.violations.empty());
}

TEST_CASE("a peer of another pair, of the same name, or of a far feature level is refused and said so") {
  for (const std::string wrong : {"pair", "name", "features", "format"}) {
    CAPTURE(wrong);
    mirror::PairOptions options;
    options.node_name = "boxb";
    options.has_peer = true;
    options.paths = 1;
    options.pair_ids = {"right"};
    mirror::PairStart start;
    start.store_id_if_fresh = 3;
    start.boot_id = 9;
    mirror::Pair pair(options, start, Steady{0});
    mirror::Hello hello;
    hello.product = "9.9";
    hello.pair_id = wrong == "pair" ? "other" : "right";
    hello.name = wrong == "name" ? "boxb" : "boxa";
    hello.features = wrong == "features" ? feature_level + 2 : feature_level;
    ByteBuffer frame = mirror::start_frame({mirror::FrameKind::hello, {5, 1}, {}, 1});
    ByteWriter out(frame);
    put(out, hello);
    if (wrong == "format") frame[0] = 2;
    pair.on_frame(0, frame, Steady{1});
    pair.on_frame(0, frame, Steady{2});
    std::size_t told = 0;
    for (const mirror::Order& order : pair.take_orders()) {
      const auto* tell = std::get_if<mirror::Tell>(&order);
      if (tell != nullptr && tell->level == mirror::Tell::Level::error) ++told;
    }
    CHECK(told == 1);
    CHECK(pair.status(Steady{3}).why.find("refused") != std::string::npos);
  }
}
