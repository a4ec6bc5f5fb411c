// Checksums of what is kept on disk; see seal.hpp. The layouts below are disk formats: never change them.
#include "store/seal.hpp"

#include <array>
#include <cstring>

#include "base/hash.hpp"

namespace tandem::store {

namespace {

// checksum32 over 64-bit little-endian words.
template <std::size_t N>
std::uint32_t seal(const std::array<std::uint64_t, N>& words) {
  return checksum32(ByteView(reinterpret_cast<const char*>(words.data()), sizeof words));
}

}  // namespace

std::uint32_t batch_seal(const Batch& batch, ByteView bytes, std::uint64_t stream_end) {
  return seal(std::array<std::uint64_t, 9>{batch.first.value, batch.count, batch.epoch.number, batch.epoch.node.value,
                                           batch.epoch.store, static_cast<std::uint64_t>(batch.time.ms), stream_end,
                                           bytes.size(), hash64(bytes)});
}

std::uint32_t part_seal(std::uint64_t kind, ByteView key, std::uint64_t part, std::uint64_t parts, ByteView value) {
  return seal(std::array<std::uint64_t, 6>{kind, hash64(key), part, parts, value.size(), hash64(value)});
}

std::uint32_t note_seal(Lsn lsn, ByteView bytes) {
  return seal(std::array<std::uint64_t, 3>{lsn.value, bytes.size(), hash64(bytes)});
}

std::uint32_t head_seal(std::uint64_t identity, Lsn base, bool opened, bool wiping) {
  return seal(std::array<std::uint64_t, 4>{identity, base.value, opened ? 1U : 0U, wiping ? 1U : 0U});
}

}  // namespace tandem::store
