// Who is at the other end of the control socket, and what he may do there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem::admin {

enum class Permission : std::uint8_t {
  none,
  read,     // what changes nothing
  operate,  // everything
};

// As the kernel knows a process that connected to a Unix socket (SO_PEERCRED, SO_PEERGROUPS).
struct Caller {
  uid_t uid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups;  // all of them
};

// nullopt: the kernel does not say.
std::optional<Caller> caller_of(int descriptor);
// "root (uid 0, pid 4711)". The name is that of /etc/passwd: no directory server is asked in the core loop.
std::string to_text(const Caller& caller);

inline constexpr const char* operators_group = "tandem";
inline constexpr const char* viewers_group = "tandem-view";

// Root, the own user and the operators may do everything, viewers may read. A group that is not there has no members.
struct Permissions {
  uid_t own = 0;
  std::optional<gid_t> operators;
  std::optional<gid_t> viewers;

  Permission of(const Caller& caller) const;
};

// As this machine has the groups now (/etc/group).
Permissions local_permissions();

// What somebody is told who may not: how he gets the permission.
std::string refusal(const Caller& caller, Permission needed);

}  // namespace tandem::admin
