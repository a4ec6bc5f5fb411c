// What the other box tells of itself, and would have in this box's file (`tandemctl config push` and `pull`).
#include <map>
#include <sstream>
#include <string>

#include "base/check.hpp"
#include "base/toml.hpp"
#include "base/toml_edit.hpp"
#include "broker/node_info.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

namespace {

constexpr std::string_view file =
    "[node]\nname = \"boxb\"\n"
    "[[listener]]\naddress = \"127.0.0.1\"\n"
    "[[listener]]\nport = 9001\npath = [\n  \"/mqtt\",  # \\\"\n  \"/\",\n]\n"
    "[limits]\nmax_sessions = 5  # few\n\n"
    "[control]\nsocket = \"/run/x\"\n";

void flatten(const std::string& name, const toml::node& node, std::map<std::string, std::string>& values) {
  if (const toml::table* const table = node.as_table()) {
    for (const auto& [key, value] : *table) flatten(name + "." + std::string(key.str()), value, values);
  } else if (const toml::array* const array = node.as_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) flatten(name + "[" + std::to_string(i), *array->get(i), values);
  } else {
    std::ostringstream text;
    node.visit([&text](const auto& value) {
      if constexpr (toml::is_value<decltype(value)>) text << *value;
    });
    values[name] = text.str();
  }
}

std::map<std::string, std::string> flattened(std::string_view text) {
  std::map<std::string, std::string> values;
  flatten("", toml::parse(text), values);
  return values;
}

// Whether a flattened name is that place, or inside it.
bool is_at(std::string_view name, const TomlPlace& place) {
  std::string at = "." + place.table;
  if (place.number != 0) at += "[" + std::to_string(place.number - 1);
  at += "." + place.key;
  return name.starts_with(at) && (name.size() == at.size() || name[at.size()] == '.' || name[at.size()] == '[');
}

void set_only(const std::string& key, const std::string& value) {
  const TomlPlace place = toml_place(key);
  const Result<std::string> made = set_toml_key(file, place, value);
  if (!made.ok()) return;
  const std::map<std::string, std::string> before = flattened(file);
  const std::map<std::string, std::string> now = flattened(made.value());
  for (const auto& [name, text] : before) CHECK(is_at(name, place) || (now.contains(name) && now.at(name) == text));
  for (const auto& [name, text] : now) CHECK(is_at(name, place) || before.contains(name));
}

}  // namespace

void examine_info(ByteView input) {
  const broker::NodeInfo info = broker::decode_info(input);
  const ByteBuffer bytes = broker::encode(info);
  CHECK(broker::encode(broker::decode_info(bytes)) == bytes);
  for (const auto& [key, value] : info.config) set_only(key, value);
}

}  // namespace tandem::fuzz
