// In what both boxes are configured differently, as tandemd tells.
#pragma once

#include <string>
#include <vector>

#include "admin/config_difference.hpp"

namespace tandem::cli {

// `command`: what the person typed. exit_good; otherwise it has been said what went wrong. Without differences that has
// been said, too, and nothing is left to do.
int config_differences(const std::vector<std::string>& sockets, const std::string& command,
                       std::vector<admin::ConfigDifference>& differences);
// A line each, and what the columns are above them.
std::string table_of(const std::vector<admin::ConfigDifference>& differences);

}  // namespace tandem::cli
