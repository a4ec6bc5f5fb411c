// With toml++, as tandemd reads it.
#include "cli/takeover_keys.hpp"

#include "base/limits.hpp"
#include "base/text_file.hpp"
#include "base/toml.hpp"

namespace tandem::cli {

namespace {

std::vector<std::string> texts_of(const toml::node& value) {
  std::vector<std::string> texts;
  if (const auto one = value.value<std::string>(); one && value.is_string()) texts.push_back(*one);
  if (const toml::array* const list = value.as_array()) {
    for (const toml::node& item : *list) {
      if (const auto* const text = item.as_string()) texts.push_back(text->get());
    }
  }
  return texts;
}

}  // namespace

Result<TakeoverKeys> takeover_keys(std::string_view toml, const std::string& name) {
  TakeoverKeys keys;
  try {
    const toml::table root = toml::parse(toml);
    const toml::table* const takeover = root["takeover"].as_table();
    if (takeover == nullptr) return keys;
    for (const auto& [key, value] : *takeover) {
      if (std::vector<std::string> texts = texts_of(value); !texts.empty()) {
        keys.emplace(std::string(key.str()), std::move(texts));
      }
    }
  } catch (const std::exception& error) {
    return Error{name + " is no valid configuration (" + error.what() + "); look at tandemd --check-config"};
  }
  return keys;
}

Result<TakeoverKeys> read_takeover_keys(const std::string& path) {
  const FileText file = read_file(path, limits::mib);
  if (!file.ok()) return Error{path + " cannot be read (" + file.reason() + ")"};
  if (file.larger) return Error{path + " is larger than 1 MiB; this is no configuration file"};
  return takeover_keys(file.text, path);
}

}  // namespace tandem::cli
