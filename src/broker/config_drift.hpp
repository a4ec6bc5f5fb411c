// Both boxes of a pair are to be configured alike, but for what is a box's own: each tells the other what it runs with.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/config_difference.hpp"
#include "base/bytes.hpp"

namespace tandem::broker {

using ConfigValues = std::map<std::string, std::string>;

// Without what is a box's own: its name, addresses, files, keys.
ConfigValues shared_values(const ConfigValues& all);
// And these alone.
ConfigValues own_values(const ConfigValues& all);

// For the other box, within max_config_bytes; more is left out.
inline constexpr std::size_t max_config_bytes = 12 * 1024;
void put(const ConfigValues& values, ByteWriter& out);
ConfigValues get_config(ByteReader& in);

std::vector<admin::ConfigDifference> differences(const ConfigValues& here, const ConfigValues& there);

}  // namespace tandem::broker
