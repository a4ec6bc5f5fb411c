// Compile-time facts that bytes.hpp relies on.
#include "base/bytes.hpp"

#include <bit>

static_assert(std::endian::native == std::endian::little, "our formats are little-endian and are copied as they are");
