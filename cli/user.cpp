// tandemctl user: who may connect. Passwords are hashed here: tandemd never sees a new one.
#include <algorithm>
#include <optional>

#include "admin/user_entry.hpp"
#include "base/text_file.hpp"
#include "cli/access_change.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/new_password.hpp"
#include "cli/terminal.hpp"
#include "edge/password_file.hpp"

namespace tandem::cli {

namespace {

constexpr std::size_t users_a_request = 500;
const std::string kept = "keep";  // tandemd leaves the hash as it is

// Without hashes. Nothing: it has been said why.
std::optional<std::vector<admin::UserEntry>> users_at(const std::string& socket, int& code) {
  admin::Reply reply;
  code = ask_node(socket, {"user", "list"}, reply);
  if (code != exit_good) return std::nullopt;
  Result<std::vector<admin::UserEntry>> users = admin::users_from_json(reply.data);
  if (users.ok()) return users.take();
  complain(socket + ": " + users.error().message);
  code = exit_failed;
  return std::nullopt;
}

const admin::UserEntry* find(const std::vector<admin::UserEntry>& users, const std::string& name) {
  const auto found = std::find_if(users.begin(), users.end(), [&](const auto& user) { return user.name == name; });
  return found == users.end() ? nullptr : &*found;
}

int set(const std::string& socket, const std::vector<admin::UserEntry>& users) {
  return change_access(socket, {"user", "set", admin::to_json(users)});
}

int set_with_password(const std::string& socket, admin::UserEntry user, bool generate) {
  const std::optional<std::string> password = generate ? make_password() : read_new_password();
  if (!password) return exit_bad;
  set_password(user, *password);
  const int code = set(socket, {user});
  if (code == exit_good && generate) print("Password: " + *password + "\n");
  return code;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

}  // namespace

int run_user_add(const std::vector<std::string>& sockets, const UserArguments& arguments) {
  if (!one_box(sockets, "user add")) return exit_usage;
  int code = exit_good;
  const auto users = users_at(sockets.front(), code);
  if (!users) return code;
  if (find(*users, arguments.name) != nullptr) {
    complain("there is a user " + arguments.name + ": tandemctl user passwd gives it another password");
    return exit_bad;
  }
  admin::UserEntry user;
  user.name = arguments.name;
  user.client_ids = arguments.client_ids;
  return set_with_password(sockets.front(), user, arguments.generate);
}

int run_user_passwd(const std::vector<std::string>& sockets, const UserArguments& arguments) {
  if (!one_box(sockets, "user passwd")) return exit_usage;
  int code = exit_good;
  const auto users = users_at(sockets.front(), code);
  if (!users) return code;
  const admin::UserEntry* const present = find(*users, arguments.name);
  if (present == nullptr) {
    complain("there is no user " + arguments.name);
    return exit_bad;
  }
  return set_with_password(sockets.front(), *present, arguments.generate);
}

int run_user_clients(const std::vector<std::string>& sockets, const UserArguments& arguments) {
  if (!one_box(sockets, "user clients")) return exit_usage;
  int code = exit_good;
  const auto users = users_at(sockets.front(), code);
  if (!users) return code;
  if (find(*users, arguments.name) == nullptr) {
    complain("there is no user " + arguments.name);
    return exit_bad;
  }
  return set(sockets.front(), {{arguments.name, kept, kept, arguments.client_ids}});
}

int run_user_remove(const std::vector<std::string>& sockets, const std::string& name) {
  if (!one_box(sockets, "user remove")) return exit_usage;
  return change_access(sockets.front(), {"user", "remove", name});
}

int run_user_list(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "user list")) return exit_usage;
  int code = exit_good;
  const auto users = users_at(sockets.front(), code);
  if (!users) return code;
  if (users->empty()) print("There are no users.\n");
  std::size_t width = 4;
  for (const admin::UserEntry& user : *users) width = std::max(width, user.name.size());
  for (const admin::UserEntry& user : *users) {
    std::string line = user.name + std::string(width - user.name.size() + 2, ' ');
    line += user.password_hash.empty() ? "no password" : user.scram.empty() ? "password" : "password and SCRAM";
    if (!user.client_ids.empty()) line += "  clients: " + joined(user.client_ids);
    print(line + "\n");
  }
  return exit_good;
}

int run_user_import(const std::vector<std::string>& sockets, const std::string& path) {
  if (!one_box(sockets, "user import")) return exit_usage;
  const Result<edge::PasswordFile> file = edge::read_password_file(path);
  if (!file.ok()) {
    complain(file.error().message);
    return exit_bad;
  }
  for (const std::string& problem : file.value().problems) complain(path + ", " + problem);
  if (!file.value().problems.empty() || file.value().users.empty()) {
    complain(file.value().users.empty() ? path + " holds no user" : "nothing was imported");
    return exit_bad;
  }
  std::vector<admin::UserEntry> users;
  for (const auto& [name, hash] : file.value().users) {
    users.push_back({name, hash, {}, {}});
    if (users.size() < users_a_request) continue;
    if (const int code = set(sockets.front(), users); code != exit_good) return code;
    users.clear();
  }
  return users.empty() ? exit_good : set(sockets.front(), users);
}

}  // namespace tandem::cli
