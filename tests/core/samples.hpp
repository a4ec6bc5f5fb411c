// One record of every kind, and a State with one entity of every kind: what the golden vectors are made of.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "world.hpp"

namespace tandem::core::test {

// Name and record; everything they borrow from is static.
std::vector<std::pair<std::string, Record>> sample_records();
// Name and bytes of a merge fact of every kind.
std::vector<std::pair<std::string, ByteBuffer>> sample_facts();
// Builds it by applying records.
std::unique_ptr<State> sample_state();

std::string to_hex(ByteView bytes);
ByteBuffer from_hex(std::string_view hex);
// "name = hex" lines of tests/golden/core/NAME; '#' begins a comment.
std::vector<std::pair<std::string, ByteBuffer>> golden(const std::string& file);

}  // namespace tandem::core::test
