// The bytes of every frame and of the metadata (docs/formats-mirror.md, tests/golden/mirror_frames.txt), and what
// parsers do with damaged ones.
#include "doctest.hpp"

#include <fstream>
#include <map>
#include <random>

#include "frames.hpp"
#include "mirror/meta.hpp"
#include "mirror/wire.hpp"

using namespace tandem;
using namespace tandem::mirror;

namespace {

std::map<std::string, std::string> golden() {
  std::map<std::string, std::string> vectors;
  std::ifstream file(TANDEM_GOLDEN_DIR "/mirror_frames.txt");
  for (std::string line; std::getline(file, line);) {
    const std::size_t bar = line.find(" | ");
    if (line.empty() || line[0] == '#' || bar == std::string::npos) continue;
    vectors[line.substr(0, bar)] = line.substr(bar + 3);
  }
  return vectors;
}

template <class Body>
std::optional<ByteBuffer> again(const std::optional<Body>& body) {
  if (!body) return std::nullopt;
  ByteBuffer bytes;
  ByteWriter out(bytes);
  put(out, *body);
  return bytes;
}

// Parses a frame and writes it anew; nothing if it is refused.
std::optional<ByteBuffer> reencode(ByteView bytes) {
  ByteReader in(bytes);
  std::uint8_t version = 0;
  const std::optional<FrameHeader> header = read_header(in, version);
  if (!header) return std::nullopt;
  std::optional<ByteBuffer> body;
  switch (header->kind) {
    case FrameKind::hello:
      body = again(get_hello(in));
      break;
    case FrameKind::beat:
      body = again(get_beat(in));
      break;
    case FrameKind::batch:
      if (const std::optional<Batch> batch = get_batch(in)) {
        body = again(std::optional(BatchHead{batch->first, batch->count, batch->epoch, batch->time}));
        *body += *batch->bytes;
      }
      break;
    case FrameKind::verify_ask:
    case FrameKind::verify_answer:
    case FrameKind::clients:  // the body is the owner's business
      body = ByteBuffer(in.rest());
      break;
    case FrameKind::confirm:
      body = again(get_confirm(in));
      break;
    case FrameKind::join_ask:
    case FrameKind::ask_release:
    case FrameKind::merge_ask:
      body = again(get_join_ask(in));
      break;
    case FrameKind::offer:
      body = again(get_offer(in));
      break;
    case FrameKind::fetch:
      body = again(get_fetch(in));
      break;
    case FrameKind::piece:
      body = again(get_piece(in));
      break;
    case FrameKind::piece_ack:
      body = again(get_piece_ack(in));
      break;
    case FrameKind::tail:
      body = again(get_tail_frame(in));
      break;
    case FrameKind::tail_ack:
      body = again(get_tail_ack(in));
      break;
    case FrameKind::sync_point:
      body = again(get_sync_point(in));
      break;
    case FrameKind::release:
      body = again(get_release(in));
      break;
    case FrameKind::digest:
      body = again(get_digest(in));
      break;
  }
  if (!body) return std::nullopt;
  return start_frame(*header) + *body;
}

}  // namespace

TEST_CASE("every frame has the bytes of its golden vector and is read back") {
  const auto vectors = golden();
  const auto examples = frames::examples();
  CHECK(vectors.size() == examples.size());
  for (const frames::Example& example : examples) {
    CAPTURE(example.name);
    const auto vector = vectors.find(example.name);
    REQUIRE_MESSAGE(vector != vectors.end(), example.name << " | " << frames::hex(example.bytes));
    CHECK(vector->second == frames::hex(example.bytes));
    if (example.name == "meta") {
      const Result<Meta> meta = decode_meta(example.bytes);
      REQUIRE(meta.ok());
      CHECK(encode_meta(meta.value()) == example.bytes);
    } else {
      const std::optional<ByteBuffer> bytes = reencode(example.bytes);
      REQUIRE(bytes.has_value());
      CHECK(*bytes == example.bytes);
    }
  }
}

TEST_CASE("a frame that is cut short or too long is refused as a whole") {
  for (const frames::Example& example : frames::examples()) {
    const bool open_end = example.name == "batch" || example.name == "clients" ||
                          example.name.rfind("verify", 0) == 0;  // to the end of the frame
    if (example.name == "meta" || open_end) continue;
    CAPTURE(example.name);
    for (std::size_t size = 0; size < example.bytes.size(); ++size) {
      CHECK_FALSE(reencode(ByteView(example.bytes).substr(0, size)).has_value());
    }
    CHECK_FALSE(reencode(example.bytes + "x").has_value());
  }
}

TEST_CASE("random damage never crashes a parser, and what is accepted can be written again") {
  std::mt19937_64 rng(1);
  for (const frames::Example& example : frames::examples()) {
    for (int i = 0; i < 3'000; ++i) {
      ByteBuffer bytes = example.bytes;
      for (std::uint64_t n = 1 + rng() % 4; n > 0; --n) bytes[rng() % bytes.size()] = static_cast<char>(rng());
      if (rng() % 8 == 0) bytes.resize(rng() % (bytes.size() + 1));
      (void)reencode(bytes);
      (void)decode_meta(bytes);
    }
  }
}

TEST_CASE("a batch that wraps the lsn space or has no records is refused") {
  for (const BatchHead& head :
       {BatchHead{Lsn{0}, 1, {}, {}}, BatchHead{Lsn{1}, 0, {}, {}}, BatchHead{Lsn{UINT64_MAX - 1}, 3, {}, {}}}) {
    ByteBuffer bytes;
    ByteWriter out(bytes);
    put(out, head);
    CHECK_FALSE(get_batch(ByteReader(bytes)).has_value());
  }
}

TEST_CASE("a huge count does not make a parser reserve memory") {
  ByteBuffer bytes;
  ByteWriter out(bytes);
  Piece piece;
  piece.number = 1;
  put(out, piece);
  bytes.resize(bytes.size() - 2);  // both counts
  ByteWriter(bytes).varint(UINT64_MAX / 2);
  CHECK_FALSE(get_piece(ByteReader(bytes)).has_value());
}

TEST_CASE("metadata: any flipped bit is noticed") {
  for (const frames::Example& example : frames::examples()) {
    if (example.name != "meta") continue;
    for (std::size_t bit = 0; bit < example.bytes.size() * 8; ++bit) {
      ByteBuffer bytes = example.bytes;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      CHECK_FALSE(decode_meta(bytes).ok());
    }
  }
}

// Found by fuzz_peer: with no number above the peer's, A6 wrote one epoch after the other and never ended.
TEST_CASE("an epoch above which there is no room for elections is malformed, in a beat and in an offer") {
  for (const std::uint64_t number : {highest_claimed_epoch, highest_claimed_epoch + 1, UINT64_MAX}) {
    Beat beat;
    beat.epoch.number = number;
    Offer offer;
    offer.epoch.number = number;
    CHECK(again(get_beat(ByteReader(*again(std::optional(beat))))).has_value() == (number == highest_claimed_epoch));
    CHECK(again(get_offer(ByteReader(*again(std::optional(offer))))).has_value() == (number == highest_claimed_epoch));
  }
}
