// Frames of RECONCILE.
#include "mirror/wire.hpp"

namespace tandem::mirror {

void put(ByteWriter& out, const TailFrame& frame) {
  out.u64_le(frame.join).u64_le(frame.number).u64_le(frame.common.value).u8(frame.end ? 1 : 0);
  out.varint(frame.items.size());
  for (const TailItem& item : frame.items) {
    out.u64_le(item.lsn.value).u32_le(item.index);
    put_epoch(out, item.epoch);
    out.i64_le(item.time.ms).bytes_varint(item.fact);
  }
}

std::optional<TailFrame> get_tail_frame(ByteReader in) {
  TailFrame frame;
  frame.join = in.u64_le();
  frame.number = in.u64_le();
  frame.common = Lsn{in.u64_le()};
  const std::uint8_t flags = in.u8();
  frame.end = (flags & 1U) != 0;
  const std::uint64_t count = in.varint();
  if (count > max_rows_per_piece || (flags & ~1U) != 0 || frame.number == 0) in.fail();
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    TailItem item;
    item.lsn = Lsn{in.u64_le()};
    item.index = in.u32_le();
    item.epoch = get_epoch(in);
    item.time = Instant{in.i64_le()};
    item.fact = ByteBuffer(in.bytes_varint());
    frame.items.push_back(std::move(item));
  }
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return frame;
}

void put(ByteWriter& out, const TailAck& ack) {
  out.u64_le(ack.join).u64_le(ack.received).u64_le(ack.merged);
}

std::optional<TailAck> get_tail_ack(ByteReader in) {
  TailAck ack;
  ack.join = in.u64_le();
  ack.received = in.u64_le();
  ack.merged = in.u64_le();
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return ack;
}

}  // namespace tandem::mirror
