// What this release can read in records, rows and frames; goes out in HELLO. An active writes nothing of a higher level
// than its peer's (Pair::common_level()), so that boxes are upgraded one at a time. DO NOT CHANGE A LEVEL'S MEANING.
#pragma once

#include <cstdint>

namespace tandem {

//  1: release 0.1
//  2: queue policies other than drop_newest (Connected); HandedOn; users and access rules (UserSet, UserRemoved,
//  RulesSet;
//     rows 8 and 9; the table "access" of the digest)
inline constexpr std::uint32_t feature_level = 2;

}  // namespace tandem
