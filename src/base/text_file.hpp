// Reading a small file whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem {

// `what` is how the error calls it ("the password file"). Error: it cannot be read, or is larger than max_bytes.
Result<std::string> read_text_file(std::string_view what, const std::string& path, std::size_t max_bytes);

}  // namespace tandem
