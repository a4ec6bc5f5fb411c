// What tandem.toml says about keepalived. tandemd is the one that reads and checks that file (--check-config); this
// finds plain `key = "text"` and `key = ["text", ...]` lines of [takeover] and says so if there is anything else.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::cli {

// Key to texts; only keys whose value is a text or a list of texts.
using TakeoverKeys = std::map<std::string, std::vector<std::string>, std::less<>>;

TakeoverKeys takeover_keys(std::string_view toml);
Result<TakeoverKeys> read_takeover_keys(const std::string& path);

}  // namespace tandem::cli
