// Corpora of what does not come from MQTT clients.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.hpp"

namespace tandem::fuzz {

using AddInput = std::function<void(const std::string& fuzzer, const std::string& name, const ByteBuffer& input)>;
void house_corpora(const AddInput& add, const std::string& golden_folder);

}  // namespace tandem::fuzz
