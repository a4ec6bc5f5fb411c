// The digest, taken apart (`tandemctl verify`): the entities behind one bucket of a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "core/state.hpp"

namespace tandem::core {

struct EntityHash {
  std::string key;         // for people, the same on both boxes; unique within its table
  std::uint64_t hash = 0;  // of all that the digest sees of it
};

// By key. The hashes of a bucket add up to its sum (Digest::sums), modulo 2^64. Looks at every entity of the table
// once.
std::vector<EntityHash> entities_in_bucket(const State& state, Table table, std::size_t bucket);

}  // namespace tandem::core
