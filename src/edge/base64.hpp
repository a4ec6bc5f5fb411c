// Base64, standard alphabet, padded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tandem::edge {

std::string to_base64(ByteView bytes);
// nullopt: it is something else, empty, or longer than 256 characters (hashes, salts and keys are shorter).
std::optional<ByteBuffer> from_base64(std::string_view text);

}  // namespace tandem::edge
