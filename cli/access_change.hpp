// A change of users or access rules: ordered at the active, then waited for until it is kept as was promised.
#pragma once

#include <string>
#include <vector>

#include "admin/protocol.hpp"

namespace tandem::cli {

// Says what came of it. exit_bad: refused; exit_failed: ordered, but nobody knows whether both boxes have it.
int change_access(const std::string& socket, const admin::Request& request);

}  // namespace tandem::cli
