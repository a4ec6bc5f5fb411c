#include "broker/config_drift.hpp"

#include <algorithm>
#include <array>

namespace tandem::broker {

namespace {

constexpr std::array own_keys = {
    std::string_view("node.name"),
    std::string_view("node.data_dir"),
    std::string_view("node.threads"),
    std::string_view("mirror.listen"),
    std::string_view("mirror.peer"),
    std::string_view("mirror.key_file"),
    std::string_view("mirror.peer_public_key"),
    std::string_view("mirror.accept_config"),
    std::string_view("control.socket"),
    std::string_view("http.address"),
};
// Of every listener: it may be bound to an address of its box.
constexpr std::string_view own_listener_key = ".address";

bool is_own(std::string_view key) {
  if (key.starts_with("listener ") && key.ends_with(own_listener_key)) return true;
  return std::find(own_keys.begin(), own_keys.end(), key) != own_keys.end();
}

}  // namespace

ConfigValues shared_values(const ConfigValues& all) {
  ConfigValues shared;
  std::size_t bytes = 0;
  for (const auto& [key, value] : all) {
    bytes += key.size() + value.size() + 6;
    if (!is_own(key) && bytes <= max_config_bytes) shared[key] = value;
  }
  return shared;
}

ConfigValues own_values(const ConfigValues& all) {
  ConfigValues own;
  for (const auto& [key, value] : all) {
    if (is_own(key)) own[key] = value;
  }
  return own;
}

void put(const ConfigValues& values, ByteWriter& out) {
  out.varint(values.size());
  for (const auto& [key, value] : values) out.bytes_varint(key).bytes_varint(value);
}

ConfigValues get_config(ByteReader& in) {
  ConfigValues values;
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::string key(in.bytes_varint());
    values[key] = std::string(in.bytes_varint());
  }
  return in.ok() ? values : ConfigValues{};
}

std::vector<admin::ConfigDifference> differences(const ConfigValues& here, const ConfigValues& there) {
  std::vector<admin::ConfigDifference> all;
  const auto value_in = [](const ConfigValues& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("-") : found->second;
  };
  ConfigValues keys = here;
  keys.insert(there.begin(), there.end());
  for (const auto& [key, value] : keys) {
    admin::ConfigDifference one{key, value_in(here, key), value_in(there, key)};
    if (one.here != one.there) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace tandem::broker
