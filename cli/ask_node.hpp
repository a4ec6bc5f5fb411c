// One request to one tandemd.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/protocol.hpp"

namespace tandem::cli {

// Exactly one socket; otherwise it has been said that `command` needs that.
bool one_box(const std::vector<std::string>& sockets, const std::string& command);

// Why there is no good reply.
struct Problem {
  int code = 0;  // exit_bad: the node said no
  std::string text;
  int tell() const;  // to the person; the code
};

std::optional<Problem> try_ask(const std::string& socket, const admin::Request& request, admin::Reply& reply);

// exit_good and the node's reply; otherwise the problem has been told and the code says which.
int ask_node(const std::string& socket, const admin::Request& request, admin::Reply& reply);

// An order to one box whose answer is a sentence: asks and prints it. The exit code.
int order(const std::vector<std::string>& sockets, const admin::Request& request);

}  // namespace tandem::cli
