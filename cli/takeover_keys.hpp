// What tandem.toml says about keepalived. tandemd is the one that checks that file (--check-config); this reads the
// texts of its [takeover] table.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::cli {

// Key to texts; only keys whose value is a text or a list of texts.
using TakeoverKeys = std::map<std::string, std::vector<std::string>, std::less<>>;

// `name` stands for the file in errors.
Result<TakeoverKeys> takeover_keys(std::string_view toml, const std::string& name);
Result<TakeoverKeys> read_takeover_keys(const std::string& path);

}  // namespace tandem::cli
