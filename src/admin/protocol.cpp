#include "admin/protocol.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "admin/json_text.hpp"

namespace tandem::admin {

using json_detail::Json;
using json_detail::line_of;
using json_detail::text_of;

Permission permission_for(const Request& request) {
  using What = std::pair<std::string_view, std::string_view>;  // an empty `how`: any
  static constexpr What reading[] = {
      {"status", {}},       {"events", {}},           {"verify", {}},   {"confirmed", {}}, {"config", "diff"},
      {"config", "pushed"}, {"reconcile", "dry-run"}, {"user", "list"}, {"acl", "show"},   {"acl", "test"}};
  const bool reads = std::any_of(std::begin(reading), std::end(reading), [&](const What& what) {
    return request.command == what.first && (what.second.empty() || request.how == what.second);
  });
  return reads ? Permission::read : Permission::operate;
}

Result<Request> parse_request(std::string_view line) {
  const Json json = json_detail::parsed(line);
  if (!json.is_object()) return Error{"a request is a JSON object in one line"};
  Request request{text_of(json, "command"), text_of(json, "how"), text_of(json, "data")};
  if (request.command.empty()) return Error{"the request names no command"};
  return request;
}

std::string to_line(const Request& request) {
  Json json{{"command", request.command}};
  if (!request.how.empty()) json["how"] = request.how;
  if (!request.data.empty()) json["data"] = request.data;
  return line_of(json);
}

std::string reply_status(std::string_view status_json) {
  return R"({"ok":true,"status":)" + std::string(status_json) + "}";
}

std::string reply_events(const std::vector<std::string>& lines) {
  std::string reply = R"({"ok":true,"events":[)";
  for (const std::string& line : lines) reply += (&line == &lines.front() ? "" : ",") + line;
  return reply + "]}";
}

std::string reply_message(std::string_view message) {
  return line_of(Json{{"ok", true}, {"message", message}});
}

std::string reply_changed(std::string_view message, std::uint64_t lsn) {
  return line_of(Json{{"ok", true}, {"message", message}, {"lsn", lsn}});
}

std::string reply_data(std::string_view data) {
  return line_of(Json{{"ok", true}, {"message", ""}, {"data", data}});
}

std::string reply_error(std::string_view error) {
  return line_of(Json{{"ok", false}, {"error", error}});
}

Result<Reply> parse_reply(std::string_view line) {
  const Json json = json_detail::parsed(line);
  const auto ok = json.is_object() ? json.find("ok") : json.end();
  if (!json.is_object() || ok == json.end() || !ok->is_boolean()) return Error{"the answer is not one of tandemd's"};
  Reply reply;
  reply.ok = ok->get<bool>();
  reply.error = text_of(json, "error");
  reply.message = text_of(json, "message");
  reply.data = text_of(json, "data");
  if (const auto lsn = json.find("lsn"); lsn != json.end() && lsn->is_number_unsigned()) {
    reply.lsn = lsn->get<std::uint64_t>();
  }
  if (const auto status = json.find("status"); status != json.end()) reply.status_json = line_of(*status);
  if (const auto events = json.find("events"); events != json.end() && events->is_array()) {
    for (const Json& event : *events) reply.events.push_back(line_of(event));
  }
  if (!reply.ok && reply.error.empty()) reply.error = "refused without a reason";
  return reply;
}

}  // namespace tandem::admin
