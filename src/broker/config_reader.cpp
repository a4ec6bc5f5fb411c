// See config_reader.hpp.
#include "broker/config_reader.hpp"

#include <algorithm>
#include <cstdio>

namespace tandem::config_detail {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

// As TOML's basic strings are.
std::string quoted(std::string_view text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') all.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      all += escape;
    } else {
      all.push_back(c);
    }
  }
  return all + "\"";
}

}  // namespace

void Problems::add(Place place, std::string_view key, std::string_view what) {
  std::string text = file_;
  if (place.line != 0) text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  text += ": ";
  if (!key.empty()) text += std::string(key) + ": ";
  text += what;
  lines_.push_back({place, std::move(text)});
}

std::string Problems::text() const {
  std::vector<Line> sorted = lines_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Line& a, const Line& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  std::string all;
  for (const Line& line : sorted) {
    if (!all.empty()) all += '\n';
    all += line.text;
  }
  return all;
}

Place place_of(const toml::source_region& region) {
  return {static_cast<std::uint32_t>(region.begin.line), static_cast<std::uint32_t>(region.begin.column)};
}

std::string_view type_word(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::string TableReader::full(std::string_view key) const {
  return name_ + "." + std::string(key);
}

const toml::node* TableReader::find(std::string_view key) {
  known_.emplace_back(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

void TableReader::require(std::string_view key, std::string_view example) {
  if (has(key)) return;
  problems_.add(place_, full(key), "missing; allowed: " + std::string(example));
}

void TableReader::reject(std::string_view key, std::string_view what) {
  const toml::node* node = table_ == nullptr ? nullptr : table_->get(key);
  problems_.add(node == nullptr ? place_ : place_of(node->source()), full(key), what);
}

void TableReader::reject_unknown_keys() {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    problems_.add(place_of(key.source()), full(key.str()), "unknown key; allowed: " + joined(known_));
  }
}

void TableReader::read_bool(std::string_view key, bool& field) {
  const toml::node* node = find(key);
  const auto* value = node == nullptr ? nullptr : node->as_boolean();
  if (value != nullptr) field = value->get();
  if (node != nullptr && value == nullptr) {
    reject(key, "is " + std::string(type_word(*node)) + "; allowed: true or false");
  }
  note(key, field ? "true" : "false");
}

void TableReader::read_text(std::string_view key, std::string& field) {
  if (const toml::node* node = find(key)) take_text(key, *node, field);
  note(key, quoted(field));
}

void TableReader::take_text(std::string_view key, const toml::node& node, std::string& field) {
  const auto* value = node.as_string();
  if (value == nullptr) {
    reject(key, "is " + std::string(type_word(node)) + "; allowed: text in quotes");
  } else if (value->get().empty()) {
    reject(key, "is empty; allowed: text in quotes, not empty");
  } else {
    field = value->get();
  }
}

void TableReader::read_texts(std::string_view key, std::vector<std::string>& field, std::size_t most) {
  if (const toml::node* node = find(key)) take_texts(key, *node, field, most);
  std::string list;
  for (const std::string& text : field) list += (list.empty() ? "" : ", ") + quoted(text);
  note(key, "[" + list + "]");
}

void TableReader::take_texts(std::string_view key, const toml::node& of, std::vector<std::string>& field,
                             std::size_t most) {
  const toml::node* node = &of;
  const std::string allowed = "; allowed: text in quotes, or a list of 1 to " + std::to_string(most) + " of them";
  std::vector<std::string> texts;
  if (const auto* one = node->as_string()) {
    texts.push_back(one->get());
  } else if (const auto* list = node->as_array()) {
    for (const toml::node& element : *list) {
      if (const auto* text = element.as_string()) {
        texts.push_back(text->get());
      } else {
        problems_.add(place_of(element.source()), full(key), "is " + std::string(type_word(element)) + allowed);
        return;
      }
    }
  } else {
    return reject(key, "is " + std::string(type_word(*node)) + allowed);
  }
  if (texts.empty() || texts.size() > most) {
    return reject(key, "has " + std::to_string(texts.size()) + " entries" + allowed);
  }
  if (std::find(texts.begin(), texts.end(), "") != texts.end()) return reject(key, "is empty" + allowed);
  field = std::move(texts);
}

bool TableReader::number_in_range(std::string_view key, std::int64_t& value, std::int64_t least, std::int64_t most) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const std::string allowed = "; allowed: a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  const auto* number = node->as_integer();
  if (number == nullptr) {
    reject(key, "is " + std::string(type_word(*node)) + allowed);
    return false;
  }
  value = number->get();
  if (value >= least && value <= most) return true;
  reject(key, std::to_string(value) + " is out of range" + allowed);
  return false;
}

void TableReader::read_number_or_auto(std::string_view key, std::optional<std::size_t>& field, std::int64_t least,
                                      std::int64_t most) {
  const toml::node* node = find(key);
  const auto* text = node == nullptr ? nullptr : node->as_string();
  std::int64_t value = 0;
  if (text != nullptr) {
    if (text->get() == "auto") {
      field = std::nullopt;
    } else {
      reject(key, "\"" + text->get() + "\" is unknown; allowed: \"auto\", or a whole number from " +
                      std::to_string(least) + " to " + std::to_string(most));
    }
  } else if (number_in_range(key, value, least, most)) {
    field = static_cast<std::size_t>(value);
  }
  note(key, field ? std::to_string(*field) : quoted("auto"));
}

std::size_t TableReader::index_of_choice(std::string_view key, const std::vector<std::string_view>& words) {
  const toml::node* node = find(key);
  if (node == nullptr) return words.size();
  std::string allowed = "; allowed: ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    allowed += (i == 0 ? "\"" : ", \"") + std::string(words[i]) + "\"";
  }
  const auto* text = node->as_string();
  if (text == nullptr) {
    reject(key, "is " + std::string(type_word(*node)) + allowed);
    return words.size();
  }
  const auto found = std::find(words.begin(), words.end(), text->get());
  if (found == words.end()) reject(key, "\"" + text->get() + "\" is unknown" + allowed);
  return static_cast<std::size_t>(found - words.begin());
}

}  // namespace tandem::config_detail
