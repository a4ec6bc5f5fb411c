// The examples.
#include "frames.hpp"

#include "mirror/meta.hpp"
#include "mirror/wire.hpp"

namespace frames {

using namespace tandem;
using namespace tandem::mirror;

namespace {

const StreamEnd from{0x1111111111111111, 2};
const StreamEnd to{0x2222222222222222, 3};

template <class Body>
Example frame(const std::string& name, FrameKind kind, const Body& body) {
  Example example{name, start_frame({kind, from, to, 0x44})};
  ByteWriter out(example.bytes);
  put(out, body);
  return example;
}

Epoch epoch(std::uint64_t number) {
  return Epoch{number, node_id_from_name("boxa"), 0x5555555555555555};
}

History history() {
  History h;
  h.append(epoch(1), Lsn{1}, true);
  h.append(epoch(7), Lsn{100}, false);
  return h;
}

Batch batch(std::uint64_t first, std::uint32_t count, const std::string& bytes) {
  return Batch{Lsn{first}, count, epoch(7), Instant{1'700'000'000'000}, std::make_shared<const ByteBuffer>(bytes)};
}

Beat beat() {
  Beat b;
  b.role = Role::active;
  b.mode = Mode::mirrored;
  b.word = Word::master;
  b.in_sync = true;
  b.heard_paths = 3;
  b.epoch = epoch(7);
  b.lsn = Lsn{200};
  b.durable = Lsn{190};
  b.log_time = Instant{1'700'000'000'123};
  b.alone_from = Lsn{150};
  b.mirror_boot = 0x2222222222222222;
  b.mirror_join = 4;
  b.confirm = 0;
  b.echo = 9;
  return b;
}

Beat standby_beat() {
  Beat b;
  b.mode = Mode::in_sync;
  b.empty = b.stale = b.may_hold_lease = b.in_sync = b.unclean = b.stopping = true;
  b.heard_paths = 1;
  b.reaches_nobody = b.maintenance = b.wants_switchover = b.wants_by_force = true;
  b.epoch = epoch(7);
  b.confirm = 10;
  b.confirm_memory = Lsn{199};
  b.confirm_durable = Lsn{180};
  b.info = "info";
  return b;
}

Example batch_example() {
  Example example = frame("batch", FrameKind::batch, BatchHead{Lsn{201}, 2, epoch(7), Instant{1'700'000'000'000}});
  example.bytes += "records";
  return example;
}

Example opaque(const std::string& name, FrameKind kind, const std::string& body) {
  return Example{name, start_frame({kind, from, to, 0x44}) + body};
}

Piece rows_piece() {
  Piece piece;
  piece.join = 4;
  piece.fetch = 1;
  piece.number = 1;
  piece.rows_end = true;
  piece.rows_lsn = Lsn{90};
  piece.rows_total_bytes = 1'000;
  piece.info = "info";
  piece.rows.push_back({2, "key", "value", false});
  piece.rows.push_back({3, "gone", "", true});
  return piece;
}

Piece log_piece() {
  Piece piece;
  piece.join = 4;
  piece.fetch = 1;
  piece.number = 2;
  piece.batches = {batch(91, 2, "ab"), batch(93, 1, "c")};
  return piece;
}

Piece gap_piece() {
  Piece piece;
  piece.join = 4;
  piece.fetch = 1;
  piece.number = 1;
  piece.gap = true;
  return piece;
}

Hello hello() {
  Hello h;
  h.up_with_you = true;
  h.features = 1;
  h.product = "0.1.0";
  h.pair_id = "0123456789abcdef";
  h.name = "boxa";
  h.beat = standby_beat();
  return h;
}

Offer offer() {
  Offer o;
  o.join = 4;
  o.merge = o.unclean = true;
  o.epoch = epoch(7);
  o.last = Lsn{200};
  o.alone_from = Lsn{150};
  o.history = history();
  return o;
}

TailFrame tail_frame() {
  TailFrame frame;
  frame.join = 4;
  frame.number = 2;
  frame.common = Lsn{90};
  frame.end = true;
  frame.items = {{Lsn{91}, 0, epoch(7), Instant{1'700'000'000'000}, "fact"}, {Lsn{91}, 1, epoch(7), Instant{5}, ""}};
  return frame;
}

Meta meta() {
  Meta m;
  m.store = 0x5555555555555555;
  m.epoch = epoch(7);
  m.last_role = LastRole::active;
  m.unclean = true;
  m.alone_from = Lsn{150};
  m.last_sync = Instant{1'700'000'000'000};
  m.history = history();
  m.before_damage.append(epoch(7), Lsn{3}, false);
  return m;
}

}  // namespace

std::vector<Example> examples() {
  return {
      frame("hello", FrameKind::hello, hello()),
      frame("beat of an active", FrameKind::beat, beat()),
      frame("beat of a standby", FrameKind::beat, standby_beat()),
      batch_example(),
      frame("confirm", FrameKind::confirm, Confirm{4, 11, true, true, Lsn{200}, Lsn{180}}),
      frame("join_ask", FrameKind::join_ask, JoinAsk{4}),
      frame("offer", FrameKind::offer, offer()),
      frame("fetch", FrameKind::fetch, Fetch{4, 1, Lsn{90}, true}),
      frame("piece of rows", FrameKind::piece, rows_piece()),
      frame("piece of log", FrameKind::piece, log_piece()),
      frame("piece: gap", FrameKind::piece, gap_piece()),
      frame("piece_ack", FrameKind::piece_ack, PieceAck{4, 1, 3, 2}),
      frame("sync_point", FrameKind::sync_point, SyncPoint{4, Lsn{200}}),
      frame("release", FrameKind::release, Release{4, 11}),
      frame("ask_release", FrameKind::ask_release, JoinAsk{4}),
      frame("merge_ask", FrameKind::merge_ask, JoinAsk{5}),
      frame("digest", FrameKind::digest, Digest{Lsn{200}, "digest"}),
      frame("tail", FrameKind::tail, tail_frame()),
      frame("tail_ack", FrameKind::tail_ack, TailAck{4, 2, 1}),
      opaque("verify_ask", FrameKind::verify_ask, "question"),
      opaque("verify_answer", FrameKind::verify_answer, "answer"),
      opaque("clients", FrameKind::clients, "clients"),
      {"meta", encode_meta(meta())},
  };
}

std::string hex(ByteView bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace frames
