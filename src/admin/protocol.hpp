// What goes over the control socket, as JSON lines:
//   {"command":"status"}                         -> {"ok":true,"status":{...}}  (status.hpp)
//   {"command":"promote","how":"first"|"force"}  -> {"ok":true,"message":"..."}
//   {"command":"resync"}, {"command":"reconcile"[,"how":"dry-run"]} -> {"ok":true,"message":"..."}
//   {"command":"switchover"[,"how":"force"]}, {"command":"maintenance","how":"on"|"off"} -> {"ok":true,"message":"..."}
//   {"command":"verify","how":"start"|"result"} -> {"ok":true,"message":"..."}; an empty message: not finished yet
//   {"command":"reload"} -> {"ok":true,"message":"..."}, a line for each file that was read again
//   {"command":"user","how":"set","data":USERS}, {"command":"user","how":"remove","data":NAME} -> a message and "lsn"
//   {"command":"user","how":"list"} -> {"ok":true,"message":"","data":USERS}  (user_entry.hpp), without hashes
//   {"command":"acl","how":"set","data":TEXT}, {"command":"acl","how":"clear"} -> a message and "lsn"
//   {"command":"acl","how":"show"} -> "data": rules as text;
//   {"command":"acl","how":"test","data":"USER\nCLIENT\nTOPIC"}
//   {"command":"config","how":"diff"} -> "data": a line a difference: key, here, there, with tabs between
//   {"command":"confirmed","how":LSN} -> {"ok":true,"message":"..."}; an empty message: not yet
//   {"command":"events","how":"last 50"|"after 1234"} -> {"ok":true,"events":[{...}]}  (events.hpp)
//   anything that cannot be done                 -> {"ok":false,"error":"..."}
// Unknown keys are ignored, so that a tandemctl of another version can be used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "admin/caller.hpp"
#include "base/result.hpp"

namespace tandem::admin {

struct Request {
  std::string command;  // "status", "promote", ...
  std::string how;      // promote: "first" or "force"; events, verify, reconcile: see above
  std::string data = {};
};

// What a command takes; one that is not known may change something.
Permission permission_for(const Request& request);

// One line without its end. Error: a sentence for reply_error().
Result<Request> parse_request(std::string_view line);
std::string to_line(const Request& request);

// Replies, without line end. `status_json` is what to_json() gave.
std::string reply_status(std::string_view status_json);
std::string reply_message(std::string_view message);
// The change is the record at `lsn`: done when that is confirmed.
std::string reply_changed(std::string_view message, std::uint64_t lsn);
std::string reply_data(std::string_view data);
// Each of `lines` is one event as to_line() gave it.
std::string reply_events(const std::vector<std::string>& lines);
std::string reply_error(std::string_view error);

struct Reply {
  bool ok = false;
  std::string error;                // if not ok
  std::string message;              // promote, resync, reconcile, verify
  std::string data;                 // user, acl
  std::uint64_t lsn = 0;            // of a change
  std::string status_json;          // status; empty if there is none
  std::vector<std::string> events;  // one line each
};

// Error: the line is no reply.
Result<Reply> parse_reply(std::string_view line);

}  // namespace tandem::admin
