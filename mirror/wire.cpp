// Frame header and the frames of the live stream.
#include "mirror/wire.hpp"

namespace tandem::mirror {

void put_epoch(ByteWriter& out, Epoch epoch) {
  out.u64_le(epoch.number).u64_le(epoch.node.value).u64_le(epoch.store);
}

Epoch get_epoch(ByteReader& in) {
  Epoch epoch;
  epoch.number = in.u64_le();
  epoch.node = NodeId{in.u64_le()};
  epoch.store = in.u64_le();
  return epoch;
}

Epoch get_claimed_epoch(ByteReader& in) {
  const Epoch epoch = get_epoch(in);
  if (epoch.number > highest_claimed_epoch) in.fail();
  return epoch;
}

ByteBuffer start_frame(const FrameHeader& header) {
  ByteBuffer frame;
  frame.reserve(128);
  ByteWriter out(frame);
  out.u8(wire_version).u8(static_cast<std::uint8_t>(header.kind));
  out.u64_le(header.from.boot).u32_le(header.from.number);
  out.u64_le(header.to.boot).u32_le(header.to.number);
  out.u64_le(header.sequence);
  return frame;
}

std::optional<FrameHeader> read_header(ByteReader& in, std::uint8_t& version) {
  version = in.u8();
  if (!in.ok() || version != wire_version) return std::nullopt;
  FrameHeader header;
  const std::uint8_t kind = in.u8();
  header.kind = static_cast<FrameKind>(kind);
  header.from.boot = in.u64_le();
  header.from.number = in.u32_le();
  header.to.boot = in.u64_le();
  header.to.number = in.u32_le();
  header.sequence = in.u64_le();
  const bool known =
      kind >= static_cast<std::uint8_t>(FrameKind::hello) && kind <= static_cast<std::uint8_t>(FrameKind::clients);
  if (!in.ok() || !known) return std::nullopt;
  return header;
}

namespace {

// A batch may not wrap the lsn space, and its records must exist.
bool sound(const BatchHead& head) {
  return head.count > 0 && head.first.value > 0 && head.first.value <= UINT64_MAX - head.count;
}

}  // namespace

void put(ByteWriter& out, const BatchHead& head) {
  out.u64_le(head.first.value).u32_le(head.count);
  put_epoch(out, head.epoch);
  out.i64_le(head.time.ms);
}

std::optional<Batch> get_batch(ByteReader in) {
  BatchHead head;
  head.first = Lsn{in.u64_le()};
  head.count = in.u32_le();
  head.epoch = get_epoch(in);
  head.time = Instant{in.i64_le()};
  if (!in.ok() || !sound(head)) return std::nullopt;
  return Batch{head.first, head.count, head.epoch, head.time, std::make_shared<const ByteBuffer>(in.rest())};
}

void put(ByteWriter& out, const Confirm& confirm) {
  const unsigned flags = (confirm.in_sync ? 1U : 0U) | (confirm.gap ? 2U : 0U);
  out.u64_le(confirm.join).u64_le(confirm.number).u8(static_cast<std::uint8_t>(flags));
  out.u64_le(confirm.memory.value).u64_le(confirm.durable.value);
}

std::optional<Confirm> get_confirm(ByteReader in) {
  Confirm confirm;
  confirm.join = in.u64_le();
  confirm.number = in.u64_le();
  const std::uint8_t flags = in.u8();
  confirm.in_sync = (flags & 1U) != 0;
  confirm.gap = (flags & 2U) != 0;
  confirm.memory = Lsn{in.u64_le()};
  confirm.durable = Lsn{in.u64_le()};
  if (!in.ok() || !in.at_end() || (flags & ~3U) != 0) return std::nullopt;
  return confirm;
}

void put(ByteWriter& out, const SyncPoint& point) {
  out.u64_le(point.join).u64_le(point.at.value);
}

std::optional<SyncPoint> get_sync_point(ByteReader in) {
  SyncPoint point;
  point.join = in.u64_le();
  point.at = Lsn{in.u64_le()};
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return point;
}

void put(ByteWriter& out, const Release& release) {
  out.u64_le(release.join).u64_le(release.last_confirm);
}

std::optional<Release> get_release(ByteReader in) {
  Release release;
  release.join = in.u64_le();
  release.last_confirm = in.u64_le();
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return release;
}

void put(ByteWriter& out, const Digest& digest) {
  out.u64_le(digest.at.value).bytes_varint(digest.digest);
}

std::optional<Digest> get_digest(ByteReader in) {
  Digest digest;
  digest.at = Lsn{in.u64_le()};
  const ByteView bytes = in.bytes_varint();
  if (!in.ok() || !in.at_end() || bytes.size() > max_digest_bytes) return std::nullopt;
  digest.digest = ByteBuffer(bytes);
  return digest;
}

}  // namespace tandem::mirror
