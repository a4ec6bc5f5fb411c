// What goes over the control socket, as JSON lines:
//   {"command":"status"}                         -> {"ok":true,"status":{...}}  (status.hpp)
//   {"command":"promote","how":"first"|"force"}  -> {"ok":true,"message":"..."}
//   {"command":"resync"}, {"command":"reconcile"[,"how":"dry-run"]} -> {"ok":true,"message":"..."}
//   {"command":"switchover"[,"how":"force"]}, {"command":"maintenance","how":"on"|"off"} -> {"ok":true,"message":"..."}
//   {"command":"verify","how":"start"|"result"} -> {"ok":true,"message":"..."}; an empty message: not finished yet
//   {"command":"reload"} -> {"ok":true,"message":"..."}, a line for each file that was read again
//   {"command":"events","how":"last 50"|"after 1234"} -> {"ok":true,"events":[{...}]}  (events.hpp)
//   anything that cannot be done                 -> {"ok":false,"error":"..."}
// Unknown keys are ignored, so that a tandemctl of another version can be used.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/caller.hpp"
#include "base/result.hpp"

namespace tandem::admin {

struct Request {
  std::string command;  // "status", "promote", ...
  std::string how;      // promote: "first" or "force"; events, verify, reconcile: see above
};

// What a command takes; one that is not known may change something.
Right right_for(const Request& request);

// One line without its end. Error: a sentence for reply_error().
Result<Request> parse_request(std::string_view line);
std::string to_line(const Request& request);

// Replies, without line end. `status_json` is what to_json() gave.
std::string reply_status(std::string_view status_json);
std::string reply_message(std::string_view message);
// Each of `lines` is one event as to_line() gave it.
std::string reply_events(const std::vector<std::string>& lines);
std::string reply_error(std::string_view error);

struct Reply {
  bool ok = false;
  std::string error;                // if not ok
  std::string message;              // promote, resync, reconcile, verify
  std::string status_json;          // status; empty if there is none
  std::vector<std::string> events;  // one line each
};

// Error: the line is no reply.
Result<Reply> parse_reply(std::string_view line);

}  // namespace tandem::admin
