#include "edge/server_names.hpp"

#include <algorithm>

namespace tandem::edge {

namespace {

// Of ASCII only: names of other alphabets come as "xn--...".
std::string in_small_letters(std::string_view name) {
  std::string small(name);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return small;
}

}  // namespace

void ServerNames::add(std::string_view name, std::size_t place) {
  places_.emplace(in_small_letters(name), place);
}

// A wildcard stands for the first label and nothing else (RFC 6125, section 6.4.3).
std::optional<std::size_t> ServerNames::place_of(std::string_view asked) const {
  const std::string name = in_small_letters(asked);
  if (const auto found = places_.find(name); found != places_.end()) return found->second;
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string::npos) return std::nullopt;
  const auto found = places_.find("*" + name.substr(dot));
  return found != places_.end() ? std::optional(found->second) : std::nullopt;
}

}  // namespace tandem::edge
