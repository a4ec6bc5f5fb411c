// Reading one TOML table key by key: types, ranges and choices checked, every problem noted with its place,
// and what nobody asked for reported as unknown. Only the config*.cpp files include this (it brings toml++
// in).
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/toml.hpp"

namespace tandem::config_detail {

// A place in the file; line and column count from 1, 0 means that there is none (something missing
// altogether).
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

// Everything that is wrong, collected to be shown at once.
class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}
  void add(Place place, std::string_view key, std::string_view what);
  bool none() const { return lines_.empty(); }
  // One line each, in the order of the file.
  std::string text() const;

 private:
  struct Line {
    Place place;
    std::string text;
  };
  std::string file_;
  std::vector<Line> lines_;
};

Place place_of(const toml::source_region& region);

// The keys of one table. Reading leaves the field untouched when the key is missing or wrong, so that it
// keeps its default and reading goes on to the next problem.
class TableReader {
 public:
  // `name` is the table as people write it ("mirror"); `table` may be null: then nothing is there, at
  // `place`.
  TableReader(std::string_view name, const toml::table* table, Place place, Problems& problems)
      : name_(name), table_(table), place_(place), problems_(problems) {}

  // True if the key is in the file (right or wrong). `find` also marks it as known.
  const toml::node* find(std::string_view key);
  bool has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }

  void read_bool(std::string_view key, bool& field);
  void read_text(std::string_view key, std::string& field);  // not empty
  // A text or an array of texts, `most` at most; none of them empty.
  void read_texts(std::string_view key, std::vector<std::string>& field, std::size_t most);

  template <std::integral T>
  void read_number(std::string_view key, T& field, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    if (number_in_range(key, value, least, most)) field = static_cast<T>(value);
    note(key, std::to_string(field));
  }

  // A number, or the text "auto": nothing.
  void read_number_or_auto(std::string_view key, std::optional<std::size_t>& field, std::int64_t least,
                           std::int64_t most);

  template <class Enum>
  void read_choice(std::string_view key, Enum& field, const std::vector<std::pair<std::string_view, Enum>>& choices) {
    std::vector<std::string_view> words;
    words.reserve(choices.size());
    for (const auto& choice : choices) words.push_back(choice.first);
    const std::size_t chosen = index_of_choice(key, words);
    if (chosen < choices.size()) field = choices[chosen].second;
    for (const auto& [word, value] : choices) {
      if (value == field) note(key, "\"" + std::string(word) + "\"");
    }
  }

  // The key must be there; `example` is what is allowed.
  void require(std::string_view key, std::string_view example);
  // The value of `key` is wrong: `what`. Placed at the key, or at the table if the default is what is wrong.
  void reject(std::string_view key, std::string_view what);
  // Every key that was never asked for is unknown. Call last.
  void reject_unknown_keys();
  // Every key that was asked for with the value that it has now, its default included, as TOML has it.
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  void note(std::string_view key, std::string value) { values_[std::string(key)] = std::move(value); }
  void take_text(std::string_view key, const toml::node& node, std::string& field);
  void take_texts(std::string_view key, const toml::node& of, std::vector<std::string>& field, std::size_t most);
  bool number_in_range(std::string_view key, std::int64_t& value, std::int64_t least, std::int64_t most);
  std::size_t index_of_choice(std::string_view key, const std::vector<std::string_view>& words);
  std::string full(std::string_view key) const;

  std::string name_;
  const toml::table* table_;
  Place place_;
  Problems& problems_;
  std::vector<std::string> known_;
  std::map<std::string, std::string> values_;
};

// "text", "whole number", "table"...: what a person calls the type of a TOML value.
std::string_view type_word(const toml::node& node);

}  // namespace tandem::config_detail
