// One request to one tandemd, for the commands that are about one box.
#pragma once

#include <string>
#include <vector>

#include "admin/protocol.hpp"

namespace tandem::cli {

// Exactly one socket; otherwise it has been said that `command` needs that.
bool one_box(const std::vector<std::string>& sockets, const std::string& command);

// exit_good and the node's reply; otherwise the problem has been told and the code says which.
int ask_node(const std::string& socket, const admin::Request& request, admin::Reply& reply);

// An order to one box whose answer is a sentence: asks and prints it. The exit code.
int order(const std::vector<std::string>& sockets, const admin::Request& request);

}  // namespace tandem::cli
