// Which addresses this box holds, from the kernel.
#pragma once

#include <string>

namespace tandem::vip {

// Is this IPv4 or IPv6 address (a "/24" behind it is ignored) configured on any interface now?
bool address_present(const std::string& address);

}  // namespace tandem::vip
