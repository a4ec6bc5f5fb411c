// JSON as this folder's files read and write it. Nothing throws.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tandem::admin::json_detail {

using Json = nlohmann::ordered_json;  // keys stay in the order in which they were given

// One line; bytes that are no UTF-8 are replaced.
inline std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Something that is neither an object nor a list, if the text is no JSON.
inline Json parsed(std::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr, false);
}

// Empty: the object has no such key, or no text there.
inline std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace tandem::admin::json_detail
