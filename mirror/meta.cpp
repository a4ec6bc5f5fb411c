// Codec of the durable fields.
#include "mirror/meta.hpp"

#include "base/hash.hpp"
#include "mirror/wire.hpp"

namespace tandem::mirror {

namespace {
constexpr std::uint8_t meta_version = 1;
}

ByteBuffer encode_meta(const Meta& meta) {
  ByteBuffer bytes;
  ByteWriter out(bytes);
  out.u8(meta_version).u64_le(meta.store);
  put_epoch(out, meta.epoch);
  out.u8(static_cast<std::uint8_t>(meta.last_role)).u8(meta.unclean ? 1 : 0);
  out.u64_le(meta.alone_from.value).i64_le(meta.last_sync.ms);
  meta.history.encode(out);
  meta.before_damage.encode(out);
  out.u32_le(checksum32(bytes));
  return bytes;
}

Result<Meta> decode_meta(ByteView bytes) {
  if (bytes.size() < 4) return Error{"the node's metadata record is too short"};
  const ByteView content = bytes.substr(0, bytes.size() - 4);
  ByteReader sum(bytes.substr(bytes.size() - 4));
  if (sum.u32_le() != checksum32(content)) return Error{"the node's metadata record is damaged (checksum)"};
  ByteReader in(content);
  const std::uint8_t version = in.u8();
  if (version != meta_version) {
    return Error{"the node's metadata record has version " + std::to_string(version) +
                 ", written by another release of Tandem; this release reads version 1"};
  }
  Meta meta;
  meta.store = in.u64_le();
  meta.epoch = get_epoch(in);
  const std::uint8_t last_role = in.u8();
  if (last_role > static_cast<std::uint8_t>(LastRole::active)) in.fail();
  meta.last_role = static_cast<LastRole>(last_role);
  meta.unclean = in.u8() != 0;
  meta.alone_from = Lsn{in.u64_le()};
  meta.last_sync = Instant{in.i64_le()};
  meta.history = History::decode(in);
  meta.before_damage = History::decode(in);
  if (!in.ok() || !in.at_end()) return Error{"the node's metadata record is damaged (length)"};
  return meta;
}

}  // namespace tandem::mirror
