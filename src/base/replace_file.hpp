// A file that others read: written beside and moved into place, so that a reader finds the old text or the new one, and
// never half of one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem {

enum class Sync : std::uint8_t { no, yes };  // yes: the text is on the disk before the name is

// Error: the reason alone; the file is as it was. The folder is not synced.
Status replace_file(const std::string& path, std::string_view text, mode_t mode, Sync sync);

}  // namespace tandem
