// Checksums and hashes of our formats. XXH3 (libxxhash) is fixed by its specification, so its values may be stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace tandem {

// 64-bit hash of bytes, stable for ever.
std::uint64_t hash64(ByteView bytes);

// Of texts in hash tables, also of boost's flat ones, which need not mix it again.
struct TextHash {
  using is_transparent = void;
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};

// 32-bit checksum that guards each row and batch against silent damage (the low half of hash64).
std::uint32_t checksum32(ByteView bytes);

// Mixes one word into a hash: cheap, stable, good enough for sums over many entities (murmur3's finaliser).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return x;
}

}  // namespace tandem
