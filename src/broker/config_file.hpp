// This box's configuration file takes over what the other box runs with: `tandemctl config push` over there.
#pragma once

#include <string>

#include "base/result.hpp"
#include "broker/config_drift.hpp"

namespace tandem::broker {

// Writes the values of `there`, shared ones, that differ into `file`; comments, order and what is this box's own stay,
// and the old file is kept as FILE.before. All of it is valid together, or nothing is written. The sentence says what
// was done.
Result<std::string> take_over_config(const std::string& file, const ConfigValues& there);

}  // namespace tandem::broker
