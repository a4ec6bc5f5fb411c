// Where a new password comes from: asked for twice on the terminal without showing it, a line of standard input, or
// made.
#pragma once

#include <optional>
#include <string>

#include "admin/user_entry.hpp"

namespace tandem::cli {

// Nothing: it has been said why.
std::optional<std::string> read_new_password();
// 24 characters that a person can type; about 139 bits.
std::string make_password();
// Hashes of it, with a salt of its own each.
void set_password(admin::UserEntry& user, const std::string& password);

}  // namespace tandem::cli
