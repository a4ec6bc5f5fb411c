// Words for people.
#pragma once

#include <string>

#include "base/ids.hpp"

namespace tandem::mirror {

// "12 (boxa)": number and as much of the node's name as the id holds.
std::string epoch_text(Epoch epoch);

}  // namespace tandem::mirror
