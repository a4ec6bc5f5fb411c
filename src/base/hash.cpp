#include "base/hash.hpp"

#include <xxhash.h>

namespace tandem {

std::uint64_t hash64(ByteView bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint32_t checksum32(ByteView bytes) {
  return static_cast<std::uint32_t>(hash64(bytes));
}

}  // namespace tandem
