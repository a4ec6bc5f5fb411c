// Frames of joining and merging.
#include "mirror/wire.hpp"

namespace tandem::mirror {

void put(ByteWriter& out, const JoinAsk& ask) {
  out.u64_le(ask.join);
}

std::optional<JoinAsk> get_join_ask(ByteReader in) {
  const JoinAsk ask{in.u64_le()};
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return ask;
}

void put(ByteWriter& out, const Offer& offer) {
  const unsigned flags =
      (offer.merge ? 1U : 0U) | (offer.stale ? 2U : 0U) | (offer.empty ? 4U : 0U) | (offer.unclean ? 8U : 0U);
  out.u64_le(offer.join).u8(static_cast<std::uint8_t>(flags));
  put_epoch(out, offer.epoch);
  out.u64_le(offer.last.value).u64_le(offer.alone_from.value);
  offer.history.encode(out);
}

std::optional<Offer> get_offer(ByteReader in) {
  Offer offer;
  offer.join = in.u64_le();
  const std::uint8_t flags = in.u8();
  offer.merge = (flags & 1U) != 0;
  offer.stale = (flags & 2U) != 0;
  offer.empty = (flags & 4U) != 0;
  offer.unclean = (flags & 8U) != 0;
  offer.epoch = get_claimed_epoch(in);
  offer.last = Lsn{in.u64_le()};
  offer.alone_from = Lsn{in.u64_le()};
  offer.history = History::decode(in);
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return offer;
}

void put(ByteWriter& out, const Fetch& fetch) {
  out.u64_le(fetch.join).u64_le(fetch.number).u64_le(fetch.after.value).u8(fetch.with_rows ? 1 : 0);
}

std::optional<Fetch> get_fetch(ByteReader in) {
  Fetch fetch;
  fetch.join = in.u64_le();
  fetch.number = in.u64_le();
  fetch.after = Lsn{in.u64_le()};
  fetch.with_rows = in.u8() != 0;
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return fetch;
}

void put(ByteWriter& out, const Piece& piece) {
  const unsigned flags = (piece.gap ? 1U : 0U) | (piece.rows_end ? 2U : 0U);
  out.u64_le(piece.join).u64_le(piece.fetch).u64_le(piece.number).u8(static_cast<std::uint8_t>(flags));
  out.u64_le(piece.rows_lsn.value).u64_le(piece.rows_total_bytes).bytes_varint(piece.info);
  out.varint(piece.rows.size());
  for (const Row& row : piece.rows) {
    out.u8(row.kind).u8(row.erased ? 1 : 0).bytes_varint(row.key).bytes_varint(row.value);
  }
  out.varint(piece.batches.size());
  for (const Batch& batch : piece.batches) {
    put(out, BatchHead{batch.first, batch.count, batch.epoch, batch.time});
    out.bytes_varint(*batch.bytes);
  }
}

namespace {

void get_rows(ByteReader& in, Piece& piece) {
  const std::uint64_t count = in.varint();
  if (count > max_rows_per_piece) in.fail();
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    Row row;
    row.kind = in.u8();
    row.erased = in.u8() != 0;
    row.key = ByteBuffer(in.bytes_varint());
    row.value = ByteBuffer(in.bytes_varint());
    piece.rows.push_back(std::move(row));
  }
}

void get_batches(ByteReader& in, Piece& piece) {
  const std::uint64_t count = in.varint();
  if (count > max_rows_per_piece) in.fail();
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    Batch batch;
    batch.first = Lsn{in.u64_le()};
    batch.count = in.u32_le();
    batch.epoch = get_epoch(in);
    batch.time = Instant{in.i64_le()};
    batch.bytes = std::make_shared<const ByteBuffer>(in.bytes_varint());
    const bool sound = batch.count > 0 && batch.first.value > 0 && batch.first.value <= UINT64_MAX - batch.count;
    if (!sound) in.fail();
    if (!piece.batches.empty() && batch.first != piece.batches.back().last().next()) in.fail();
    piece.batches.push_back(std::move(batch));
  }
}

}  // namespace

std::optional<Piece> get_piece(ByteReader in) {
  Piece piece;
  piece.join = in.u64_le();
  piece.fetch = in.u64_le();
  piece.number = in.u64_le();
  const std::uint8_t flags = in.u8();
  piece.gap = (flags & 1U) != 0;
  piece.rows_end = (flags & 2U) != 0;
  piece.rows_lsn = Lsn{in.u64_le()};
  piece.rows_total_bytes = in.u64_le();
  piece.info = ByteBuffer(in.bytes_varint());
  get_rows(in, piece);
  get_batches(in, piece);
  if (!in.ok() || !in.at_end() || piece.number == 0) return std::nullopt;
  return piece;
}

void put(ByteWriter& out, const PieceAck& ack) {
  out.u64_le(ack.join).u64_le(ack.fetch).u64_le(ack.received).u64_le(ack.consumed);
}

std::optional<PieceAck> get_piece_ack(ByteReader in) {
  PieceAck ack;
  ack.join = in.u64_le();
  ack.fetch = in.u64_le();
  ack.received = in.u64_le();
  ack.consumed = in.u64_le();
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return ack;
}

}  // namespace tandem::mirror
