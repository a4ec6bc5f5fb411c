// Begins a new store with what is sound of a damaged one: the rows, then the log up to the first batch that is not;
// marked STALE (docs/roles.md, "As built"). The metadata is written first: a crash in between must not leave a store
// that looks EMPTY.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "store/remains.hpp"
#include "store/store.hpp"

namespace tandem::broker {

// `fresh`: empty. `fresh_store_id`: used if the old metadata cannot be read. `folder`: where the damaged store is kept,
// and `known`: what is known to be wrong with it, both for the report, which is the answer: what was found, what is
// missing. Error: the new store cannot be written.
Result<std::string> rebuild_store(store::Remains& remains, store::Store& fresh, std::uint64_t fresh_store_id,
                                  const std::string& folder, const std::string& known);

}  // namespace tandem::broker
