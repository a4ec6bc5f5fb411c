// The secret that HTTP asks for where it is served beyond this machine.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::admin {

inline constexpr std::size_t http_token_bytes_min = 16;
inline constexpr std::size_t http_token_bytes_max = 512;

// One line of printable characters without spaces. Refuses a file that others may read (mode must be 0600 or stricter).
Result<std::string> read_http_token(const std::string& path);

// `authorization`: value of that header. Takes as long for a wrong token as for the right one.
bool carries_token(std::string_view authorization, std::string_view token);

}  // namespace tandem::admin
