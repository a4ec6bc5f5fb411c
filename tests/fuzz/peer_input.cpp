// A Pair whose peer holds the right key and sends what it likes.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "mirror/meta.hpp"
#include "mirror/pair.hpp"
#include "mirror/wire.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

namespace {

using namespace mirror;

constexpr std::size_t steps_max = 300;
constexpr std::uint8_t first_frame_step = 32;  // and on: frames by kind
constexpr std::uint8_t raw_frame_step = 255;

// What was read, written again, is read as the same.
template <class Body>
void examine_body(const std::optional<Body>& body, std::optional<Body> (*get)(ByteReader)) {
  if (!body) return;
  ByteBuffer once;
  ByteWriter once_writer(once);
  put(once_writer, *body);
  const std::optional<Body> again = get(ByteReader(once));
  CHECK(again);
  ByteBuffer twice;
  ByteWriter twice_writer(twice);
  put(twice_writer, *again);
  CHECK(once == twice);
}

void examine_frame(FrameKind kind, ByteView bytes) {
  const ByteReader in(bytes);
  switch (kind) {
    case FrameKind::hello:
      return examine_body(get_hello(in), get_hello);
    case FrameKind::beat:
      return examine_body(get_beat(in), get_beat);
    case FrameKind::batch:
      return (void)get_batch(in);
    case FrameKind::confirm:
      return examine_body(get_confirm(in), get_confirm);
    case FrameKind::join_ask:
    case FrameKind::ask_release:
    case FrameKind::merge_ask:
      return examine_body(get_join_ask(in), get_join_ask);
    case FrameKind::offer:
      return examine_body(get_offer(in), get_offer);
    case FrameKind::fetch:
      return examine_body(get_fetch(in), get_fetch);
    case FrameKind::piece:
      return examine_body(get_piece(in), get_piece);
    case FrameKind::piece_ack:
      return examine_body(get_piece_ack(in), get_piece_ack);
    case FrameKind::sync_point:
      return examine_body(get_sync_point(in), get_sync_point);
    case FrameKind::release:
      return examine_body(get_release(in), get_release);
    case FrameKind::digest:
      return examine_body(get_digest(in), get_digest);
    case FrameKind::tail:
      return examine_body(get_tail_frame(in), get_tail_frame);
    case FrameKind::tail_ack:
      return examine_body(get_tail_ack(in), get_tail_ack);
    case FrameKind::verify_ask:
    case FrameKind::verify_answer:
    case FrameKind::clients:
      return;  // bytes that go on as they are
  }
}

PairOptions options_of(std::uint8_t circumstances) {
  PairOptions options;
  options.node_name = "boxb";
  options.has_peer = true;
  options.paths = 2;
  options.pair_ids = {"0123456789abcdef"};
  options.boot_wait_ms = 1'000;
  options.heartbeat_arbiter = (circumstances & 2U) != 0;
  options.solo_allowed = (circumstances & 4U) != 0;
  options.promote_when_unsure = (circumstances & 8U) != 0;
  options.reconcile_auto = (circumstances & 16U) != 0;
  return options;
}

PairStart start_of(std::uint8_t circumstances) {
  PairStart start;
  start.store_id_if_fresh = 3;
  start.boot_id = 9;
  if ((circumstances & 1U) != 0) {
    Meta meta;
    meta.store = 5;
    meta.epoch = Epoch{7, node_id_from_name("boxa"), 5};
    meta.history.append(meta.epoch, Lsn{1}, false);
    if ((circumstances & 32U) != 0) meta.alone_from = Lsn{90};
    start.meta = encode_meta(meta);
    start.log_first = Lsn{1};
    start.log_last = Lsn{120};
  }
  return start;
}

// The Pair and its owner, who carries out every order at once.
class Life {
 public:
  explicit Life(std::uint8_t circumstances)
      : log_end_(start_of(circumstances).log_last),
        pair_(options_of(circumstances), start_of(circumstances), Steady{now_ms_}) {}

  void step(ByteReader& in) {
    const std::uint8_t what = in.u8();
    const Steady now{now_ms_};
    if (what >= first_frame_step) return take_frame(what, in);
    switch (what) {
      case 0:
        return pair_.on_beat(now);
      case 1:
      case 2:
        return pair_.on_word(what == 1 ? Word::master : Word::backup, now);
      case 3:
      case 4:
        return pair_.on_reach(what == 3, now);
      case 5:
        return (void)pair_.promote_first(now);
      case 6:
        return (void)pair_.promote_force(now);
      case 7:
        return (void)pair_.resync(now);
      case 8:
        return (void)pair_.reconcile(now);
      case 9:
      case 10:
        return (void)pair_.switchover(what == 10, now);
      case 11:
      case 12:
        return (void)pair_.set_maintenance(what == 11, now);
      case 13:
        return add_batch();
      case 14:
        return pair_.on_digest(log_end_, "digest", now);
      case 15:
        return pair_.send_verify(true, "answer");
      case 16:
        return pair_.stop(now);
      default:
        now_ms_ += std::int64_t{in.u8()} * 8;
        return pair_.on_turn(Steady{now_ms_});
    }
  }

  // After every step: orders keep their contracts.
  void obey() {
    for (auto orders = pair_.take_orders(); !orders.empty(); orders = pair_.take_orders()) {
      for (Order& order : orders) std::visit([this](auto& one) { carry_out(one); }, order);
    }
    (void)pair_.status(Steady{now_ms_});
    (void)pair_.vrrp_weight(Steady{now_ms_});
  }

 private:
  void take_frame(std::uint8_t what, ByteReader& in) {
    const std::uint8_t ends = in.u8();
    const ByteView bytes = at_most(in, in.u16_le());
    if (what == raw_frame_step) return pair_.on_frame(0, bytes, Steady{now_ms_});
    const auto kinds = static_cast<std::uint8_t>(FrameKind::clients);
    const auto kind = static_cast<FrameKind>((what - first_frame_step) % kinds + 1);
    examine_frame(kind, bytes);
    const StreamEnd peer{5U + (ends >> 7), 1U + (ends >> 2U & 3U)};
    const StreamEnd own{9, ends & 3U};
    pair_.on_frame(ends >> 6U & 1U, start_frame({kind, peer, own, ++sequence_}).append(bytes), Steady{now_ms_});
  }

  void add_batch() {
    if (pair_.role() != Role::active || !activated_) return;
    const Batch batch{log_end_.next(), 1, pair_.epoch(), Instant{now_ms_},
                      std::make_shared<const ByteBuffer>("record")};
    log_end_ = batch.last();
    pair_.on_batch(batch, Steady{now_ms_});
  }

  template <class Other>
  void carry_out(Other&) {}
  void carry_out(WriteMeta& meta) {
    CHECK(decode_meta(meta.bytes).ok());
    pair_.on_meta_written(meta.token, Steady{now_ms_});
  }
  void carry_out(CommitNow&) { pair_.on_durable(log_end_, Steady{now_ms_}); }
  void carry_out(Activate&) {
    activated_ = true;
    add_batch();  // EpochBegan
  }
  void carry_out(Demote&) { activated_ = false; }
  void carry_out(Rewind& rewind) {
    CHECK(rewind.to <= log_end_);
    log_end_ = rewind.to;
    pair_.on_rewound(true, Steady{now_ms_});
  }
  void carry_out(Wipe&) {
    log_end_ = Lsn{};
    pair_.on_wiped(Steady{now_ms_});
  }
  void carry_out(BeginImage& image) { image_at_ = image.at; }
  void carry_out(EndImage&) {
    log_end_ = image_at_;
    pair_.on_image_loaded(image_at_, Steady{now_ms_});
  }
  void carry_out(ApplyBatch& apply) {
    CHECK(apply.batch.first == log_end_.next());
    log_end_ = apply.batch.last();
    pair_.on_applied(log_end_, Steady{now_ms_});
  }
  void carry_out(NextChunk&) {
    CatchUpPiece piece;
    piece.at_log_end = true;
    piece.rows_end = true;
    pair_.on_chunk(std::move(piece), Steady{now_ms_});
  }
  void carry_out(NextTail&) {
    TailPiece piece;
    piece.end = true;
    pair_.on_tail(std::move(piece), Steady{now_ms_});
  }
  void carry_out(MergeTail& merge) { pair_.on_merged(merge.number, log_end_, Steady{now_ms_}); }

  std::int64_t now_ms_ = 1'000;
  Lsn log_end_;
  Lsn image_at_;
  bool activated_ = false;
  std::uint64_t sequence_ = 1'000;
  Pair pair_;
};

}  // namespace

void examine_peer(ByteView input) {
  ByteReader in(input);
  Life life(in.u8());
  for (std::size_t i = 0; i < steps_max && !in.at_end(); ++i) {
    life.step(in);
    life.obey();
  }
}

}  // namespace tandem::fuzz
