// From a TOML file to a Config: each table by its own function, then what must hold between keys.
#include "broker/config.hpp"

#include <optional>
#include <utility>

#include "base/text_file.hpp"
#include "broker/config_reader.hpp"
#include "broker/config_tables.hpp"

namespace tandem {

namespace {

using config_detail::Place;
using config_detail::place_of;
using config_detail::Problems;
using config_detail::TableReader;

constexpr std::size_t max_file_bytes = limits::mib;
constexpr std::string_view tables_allowed =
    "[node], [[listener]], [security], [mirror], [takeover], [store], [limits], [mqtt], [http], [control]";

// A single-table section of the file, or null. A key of that name that is no table is a problem of its own.
const toml::table* section(const toml::table& root, std::string_view name, Problems& problems) {
  const toml::node* node = root.get(name);
  if (node == nullptr) return nullptr;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    const bool repeated = node->is_array_of_tables();
    problems.add(place_of(node->source()), name,
                 (repeated ? "is there several times" : "is " + std::string(config_detail::type_word(*node))) +
                     "; allowed: one table [" + std::string(name) + "]");
  }
  return table;
}

Place place_or_none(const toml::table* table) {
  return table == nullptr ? Place{} : place_of(table->source());
}

void collect(const TableReader& reader, const std::string& table, Config& config) {
  for (const auto& [key, value] : reader.values()) config.values[table + "." + key] = value;
}

void read_listeners(const toml::table& root, Config& config, Problems& problems) {
  const toml::node* node = root.get("listener");
  if (node == nullptr) {
    problems.add({}, "listener", "missing; allowed: one or more tables [[listener]] with address and port");
    return;
  }
  const toml::array* list = node->as_array();
  if (list == nullptr || !list->is_array_of_tables()) {
    problems.add(place_of(node->source()), "listener",
                 "is " + std::string(config_detail::type_word(*node)) +
                     "; allowed: one or more tables with double brackets, [[listener]]");
    return;
  }
  int number = 0;
  for (const toml::node& element : *list) {
    TableReader reader("listener", element.as_table(), place_of(element.source()), problems);
    config_detail::read_listener(reader, config.listeners);
    collect(reader, "listener " + std::to_string(++number), config);
  }
}

void read_sections(const toml::table& root, Config& config, Problems& problems) {
  const auto reader_of = [&](std::string_view name) {
    const toml::table* table = section(root, name, problems);
    return TableReader(name, table, place_or_none(table), problems);
  };
  TableReader node = reader_of("node");
  config_detail::read_node(node, config.node);
  collect(node, "node", config);
  read_listeners(root, config, problems);
  TableReader security = reader_of("security");
  config_detail::read_security(security, config.security);
  collect(security, "security", config);
  if (root.contains("mirror")) {
    TableReader mirror = reader_of("mirror");
    config_detail::read_mirror(mirror, config.mirror.emplace());
    collect(mirror, "mirror", config);
  }
  TableReader takeover = reader_of("takeover");
  config_detail::read_takeover(takeover, config.mirror.has_value(), config.takeover);
  collect(takeover, "takeover", config);
  TableReader store = reader_of("store");
  config_detail::read_store(store, config.store);
  collect(store, "store", config);
  TableReader limit = reader_of("limits");
  config_detail::read_limits(limit, config.limits);
  collect(limit, "limits", config);
  TableReader mqtt = reader_of("mqtt");
  config_detail::read_mqtt(mqtt, config.mqtt);
  collect(mqtt, "mqtt", config);
  if (root.contains("http")) {
    TableReader http = reader_of("http");
    config_detail::read_http(http, config.http.emplace());
    collect(http, "http", config);
  }
  TableReader control = reader_of("control");
  config_detail::read_control(control, config.listeners, config.control);
  collect(control, "control", config);
}

void reject_unknown_tables(const toml::table& root, Problems& problems) {
  constexpr std::string_view names[] = {"node",  "listener", "security", "mirror", "takeover",
                                        "store", "limits",   "mqtt",     "http",   "control"};
  for (const auto& [key, node] : root) {
    bool known = false;
    for (const std::string_view name : names) known = known || key.str() == name;
    if (known) continue;
    problems.add(place_of(key.source()), key.str(),
                 (node.is_table() || node.is_array_of_tables() ? "unknown table; allowed: "
                                                               : "unknown key outside any table; allowed: ") +
                     std::string(tables_allowed));
  }
}

// The bytes of the file, or why not. Bounded: a device or a huge file ends at the limit.
Result<std::string> read_config_file(const std::string& path) {
  FileText file = read_file(path, max_file_bytes);
  if (!file.opened) return Error{path + ": cannot be opened: " + file.reason()};
  if (!file.ok()) return Error{path + ": cannot be read: " + file.reason()};
  if (file.larger) return Error{path + ": larger than 1 MiB; this is no configuration file"};
  return std::move(file.text);
}

// Where toml++ gave up with an assertion, which carries no place: the last letter of the shortest start of the
// text that makes it do so (the parser goes from left to right, so every longer start does too).
Place place_of_assertion(std::string_view text) {
  std::size_t good = 0;
  std::size_t bad = text.size();
  while (bad - good > 1) {
    const std::size_t middle = good + (bad - good) / 2;
    try {
      static_cast<void>(toml::parse(text.substr(0, middle)));
      good = middle;
    } catch (const TomlAssertion&) {
      bad = middle;
    } catch (const toml::parse_error&) {
      good = middle;
    }
  }
  std::size_t letter = bad - 1;
  while (letter > 0 && (static_cast<unsigned char>(text[letter]) & 0xc0U) == 0x80U) --letter;  // UTF-8
  Place place{1, 1};
  for (const char c : text.substr(0, letter)) {
    place = c == '\n' ? Place{place.line + 1, 1} : Place{place.line, place.column + 1};
  }
  return place;
}

// The parsed text, or null and a problem.
std::optional<toml::table> parse_toml(std::string_view text, Problems& problems) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    problems.add(place_of(error.source()), "", "not TOML: " + std::string(error.description()));
  } catch (const TomlAssertion&) {
    problems.add(place_of_assertion(text), "", "not TOML: unexpected character");
  } catch (const std::exception& error) {
    problems.add({}, "", "cannot be parsed: " + std::string(error.what()));
  }
  return std::nullopt;
}

}  // namespace

Result<Config> parse_config(std::string_view text, std::string_view name) {
  Problems problems(name);
  const std::optional<toml::table> root = parse_toml(text, problems);
  if (!root) return Error{problems.text()};
  Config config;
  reject_unknown_tables(*root, problems);
  read_sections(*root, config, problems);
  if (!problems.none()) return Error{problems.text()};
  return config;
}

Result<Config> load_config(const std::string& path) {
  const Result<std::string> text = read_config_file(path);
  if (!text) return text.error();
  Result<Config> config = parse_config(text.value(), path);
  if (!config.ok()) return config;
  Config read = config.take();
  read.file = path;
  return read;
}

}  // namespace tandem
