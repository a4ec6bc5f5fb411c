#include "admin/caller.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/printable.hpp"

namespace tandem::admin {

namespace {

constexpr std::size_t entry_bytes = 16 * 1024;  // of one line of /etc/passwd or /etc/group

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

File open_file(const char* path) {
  return {std::fopen(path, "re"), [](FILE* file) { return std::fclose(file); }};
}

std::optional<gid_t> local_group(std::string_view name) {
  const File file = open_file("/etc/group");
  std::array<char, entry_bytes> memory{};
  group entry{};
  for (group* found = nullptr; file && ::fgetgrent_r(file.get(), &entry, memory.data(), memory.size(), &found) == 0;) {
    if (name == found->gr_name) return found->gr_gid;
  }
  return std::nullopt;
}

// Empty: /etc/passwd does not know it.
std::string local_user(uid_t uid) {
  const File file = open_file("/etc/passwd");
  std::array<char, entry_bytes> memory{};
  passwd entry{};
  for (passwd* found = nullptr; file && ::fgetpwent_r(file.get(), &entry, memory.data(), memory.size(), &found) == 0;) {
    if (found->pw_uid == uid) return printable(found->pw_name);
  }
  return {};
}

std::vector<gid_t> groups_of(int descriptor) {
  std::vector<gid_t> groups(32);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool got = ::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    if (!got && errno != ERANGE) return {};
    groups.resize(size / sizeof(gid_t));
    if (got) return groups;
  }
}

}  // namespace

std::optional<Caller> caller_of(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  Caller caller{credentials.uid, credentials.pid, groups_of(descriptor)};
  caller.groups.push_back(credentials.gid);
  return caller;
}

std::string to_text(const Caller& caller) {
  const std::string name = local_user(caller.uid);
  return (name.empty() ? "a user" : name) + " (uid " + std::to_string(caller.uid) + ", pid " +
         std::to_string(caller.pid) + ")";
}

Permission Permissions::of(const Caller& caller) const {
  const auto is_in = [&](const std::optional<gid_t>& group) {
    return group && std::find(caller.groups.begin(), caller.groups.end(), *group) != caller.groups.end();
  };
  if (caller.uid == 0 || caller.uid == own || is_in(operators)) return Permission::operate;
  return is_in(viewers) ? Permission::read : Permission::none;
}

Permissions local_permissions() {
  return {::geteuid(), local_group(operators_group), local_group(viewers_group)};
}

std::string refusal(const Caller& caller, Permission needed) {
  const std::string name = local_user(caller.uid);
  const std::string who = name.empty() ? "USER" : name;
  const std::string group = operators_group;
  if (needed == Permission::operate) {
    return "you may look but change nothing here; that takes the group " + group + ": sudo usermod -aG " + group + " " +
           who + ", then log in again";
  }
  return "you are not in the group " + group + ": sudo usermod -aG " + group + " " + who +
         ", then log in again (to look only: " + viewers_group + ")";
}

}  // namespace tandem::admin
