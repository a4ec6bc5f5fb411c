#include "admin/events.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

namespace tandem::admin {

namespace {

using Json = nlohmann::ordered_json;

template <class Number>
void read(const Json& json, const char* key, Number& out) {
  const auto found = json.find(key);
  if (found != json.end() && found->is_number_integer()) out = found->get<Number>();
}

void read(const Json& json, const char* key, std::string& out) {
  const auto found = json.find(key);
  if (found != json.end() && found->is_string()) out = found->get<std::string>();
}

std::string time_text(std::int64_t wall_ms) {
  const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  char milliseconds[16];
  std::snprintf(milliseconds, sizeof milliseconds, ".%03d UTC", static_cast<int>(wall_ms % 1000));
  return std::string(text, size) + milliseconds;
}

void append_lines(const std::string& path, std::vector<std::string>& lines) {
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    if (!in.eof() && event_from_line(line).ok()) lines.push_back(std::move(line));
  }
}

}  // namespace

std::string to_line(const Event& event) {
  const Json json{{"number", event.number}, {"wall_ms", event.wall_ms}, {"log_ms", event.log_ms}, {"node", event.node},
                  {"epoch", event.epoch},   {"level", event.level},     {"kind", event.kind},     {"text", event.text}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Event> event_from_line(std::string_view line) {
  const Json json = Json::parse(line.begin(), line.end(), nullptr, false);
  if (!json.is_object()) return Error{"not an event"};
  Event event;
  read(json, "number", event.number);
  read(json, "wall_ms", event.wall_ms);
  read(json, "log_ms", event.log_ms);
  read(json, "node", event.node);
  read(json, "epoch", event.epoch);
  read(json, "level", event.level);
  read(json, "kind", event.kind);
  read(json, "text", event.text);
  if (event.number == 0) return Error{"an event without a number"};
  return event;
}

std::string to_text(const Event& event) {
  return time_text(event.wall_ms) + "  " + event.node + "  epoch " + std::to_string(event.epoch) + "  " + event.level +
         "  " + event.text;
}

std::vector<std::string> last_event_lines(const std::string& directory, std::size_t count) {
  std::vector<std::string> lines;
  append_lines(directory + "/" + older_events_file, lines);
  append_lines(directory + "/" + events_file, lines);
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

Result<EventsWanted> parse_wanted(std::string_view how) {
  EventsWanted wanted;
  if (how.empty()) return wanted;
  const std::size_t space = how.find(' ');
  const std::string_view word = how.substr(0, space);
  const std::string_view number = space == std::string_view::npos ? std::string_view() : how.substr(space + 1);
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), value);
  const bool is_number = code == std::errc() && end == number.data() + number.size() && !number.empty();
  if (!is_number || (word != "last" && word != "after")) return Error{"events wants \"last N\" or \"after NUMBER\""};
  wanted.by_number = word == "after";
  wanted.after = value;
  wanted.last =
      wanted.by_number ? events_at_most : static_cast<std::size_t>(std::min<std::uint64_t>(value, events_at_most));
  return wanted;
}

}  // namespace tandem::admin
