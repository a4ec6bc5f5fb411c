// HELLO and heartbeat.
#include "mirror/wire.hpp"

namespace tandem::mirror {

namespace {

// Values on the wire, independent of the enums' order.
enum BeatFlag : unsigned {
  flag_empty = 1U << 0,
  flag_stale = 1U << 1,
  flag_lease = 1U << 2,
  flag_in_sync = 1U << 3,
  flag_unclean = 1U << 4,
  flag_stopping = 1U << 5,
  flag_master = 1U << 6,
  flag_info = 1U << 7,
};

// Beside heard_paths, in one octet.
enum BeatBit : unsigned {
  bit_forced = 1U << 4,
  bit_wants_switchover = 1U << 5,
  bit_maintenance = 1U << 6,
  bit_reaches_nobody = 1U << 7,
  bits_of_flags = bit_forced | bit_wants_switchover | bit_maintenance | bit_reaches_nobody,
};

unsigned flags_of(const Beat& beat) {
  return (beat.empty ? flag_empty : 0U) | (beat.stale ? flag_stale : 0U) | (beat.may_hold_lease ? flag_lease : 0U) |
         (beat.in_sync ? flag_in_sync : 0U) | (beat.unclean ? flag_unclean : 0U) |
         (beat.stopping ? flag_stopping : 0U) | (beat.word == Word::master ? flag_master : 0U) |
         (beat.info ? flag_info : 0U);
}

std::optional<Beat> read_beat(ByteReader& in) {
  Beat beat;
  const std::uint8_t role = in.u8();
  const std::uint8_t mode = in.u8();
  const std::uint8_t flags = in.u8();
  if (!in.ok() || role > static_cast<std::uint8_t>(Role::active) || mode > static_cast<std::uint8_t>(Mode::empty)) {
    return std::nullopt;
  }
  beat.role = static_cast<Role>(role);
  beat.mode = static_cast<Mode>(mode);
  beat.empty = (flags & flag_empty) != 0;
  beat.stale = (flags & flag_stale) != 0;
  beat.may_hold_lease = (flags & flag_lease) != 0;
  beat.in_sync = (flags & flag_in_sync) != 0;
  beat.unclean = (flags & flag_unclean) != 0;
  beat.stopping = (flags & flag_stopping) != 0;
  beat.word = (flags & flag_master) != 0 ? Word::master : Word::backup;
  const unsigned heard = in.u8();
  beat.heard_paths = static_cast<std::uint8_t>(heard & ~bits_of_flags);
  beat.reaches_nobody = (heard & bit_reaches_nobody) != 0;
  beat.maintenance = (heard & bit_maintenance) != 0;
  beat.wants_switchover = (heard & bit_wants_switchover) != 0;
  beat.wants_by_force = (heard & bit_forced) != 0;
  beat.epoch = get_claimed_epoch(in);
  beat.lsn = Lsn{in.u64_le()};
  beat.durable = Lsn{in.u64_le()};
  beat.log_time = Instant{in.i64_le()};
  beat.alone_from = Lsn{in.u64_le()};
  beat.mirror_boot = in.u64_le();
  beat.mirror_join = in.u64_le();
  beat.confirm = in.u64_le();
  beat.confirm_memory = Lsn{in.u64_le()};
  beat.confirm_durable = Lsn{in.u64_le()};
  beat.echo = in.u64_le();
  if ((flags & flag_info) != 0) {
    const ByteView info = in.bytes_varint();
    if (info.size() > max_info_bytes) in.fail();
    beat.info = ByteBuffer(info);
  }
  if (!in.ok()) return std::nullopt;
  return beat;
}

}  // namespace

void put(ByteWriter& out, const Beat& beat) {
  out.u8(static_cast<std::uint8_t>(beat.role)).u8(static_cast<std::uint8_t>(beat.mode));
  const unsigned heard = beat.heard_paths | (beat.reaches_nobody ? bit_reaches_nobody : 0U) |
                         (beat.maintenance ? bit_maintenance : 0U) |
                         (beat.wants_switchover ? bit_wants_switchover : 0U) | (beat.wants_by_force ? bit_forced : 0U);
  out.u8(static_cast<std::uint8_t>(flags_of(beat))).u8(static_cast<std::uint8_t>(heard));
  put_epoch(out, beat.epoch);
  out.u64_le(beat.lsn.value).u64_le(beat.durable.value).i64_le(beat.log_time.ms).u64_le(beat.alone_from.value);
  out.u64_le(beat.mirror_boot).u64_le(beat.mirror_join);
  out.u64_le(beat.confirm).u64_le(beat.confirm_memory.value).u64_le(beat.confirm_durable.value);
  out.u64_le(beat.echo);
  if (beat.info) out.bytes_varint(*beat.info);
}

std::optional<Beat> get_beat(ByteReader in) {
  std::optional<Beat> beat = read_beat(in);
  if (!beat || !in.at_end()) return std::nullopt;
  return beat;
}

void put(ByteWriter& out, const Hello& hello) {
  out.u8(hello.up_with_you ? 1 : 0).u32_le(hello.features);
  out.bytes_varint(hello.product).bytes_varint(hello.pair_id).bytes_varint(hello.name);
  put(out, hello.beat);
}

std::optional<Hello> get_hello(ByteReader in) {
  Hello hello;
  hello.up_with_you = in.u8() != 0;
  hello.features = in.u32_le();
  const ByteView product = in.bytes_varint();
  const ByteView pair_id = in.bytes_varint();
  const ByteView name = in.bytes_varint();
  const bool bounded = product.size() <= max_name_bytes && pair_id.size() <= max_name_bytes &&
                       name.size() <= max_name_bytes && !name.empty();
  if (!in.ok() || !bounded) return std::nullopt;
  hello.product = product;
  hello.pair_id = pair_id;
  hello.name = name;
  std::optional<Beat> beat = read_beat(in);
  if (!beat || !in.at_end()) return std::nullopt;
  hello.beat = std::move(*beat);
  return hello;
}

}  // namespace tandem::mirror
