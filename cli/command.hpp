// What the commands of tandemctl share: their options and exit codes. One file a command; main.cpp parses.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tandem::cli {

// Scripts rely on these.
enum Exit : int {
  exit_good = 0,
  exit_bad = 1,        // status: not protected; promote: refused; keygen: nothing was written
  exit_usage = 2,      // arguments
  exit_not_there = 3,  // nobody listens on any of the sockets
  exit_failed = 4,     // no permission, no answer in time
};

struct StatusArguments {
  bool json = false;
  bool watch = false;
};
int run_status(const std::vector<std::string>& sockets, const StatusArguments& arguments);

struct PromoteArguments {
  bool first = false;  // a new pair: promote a box that holds nothing
  bool force = false;  // promote a box that may lack messages
  bool yes = false;    // do not ask
};
int run_promote(const std::vector<std::string>& sockets, const PromoteArguments& arguments);

// Lets the other box serve (at the active), or this one (at the standby), and waits for it. exit_bad: refused, or
// broken off.
struct SwitchoverArguments {
  bool force = false;  // although the standby is not in sync
  bool yes = false;
};
int run_switchover(const std::vector<std::string>& sockets, const SwitchoverArguments& arguments);
// This box does not take over while it is on.
int run_maintenance(const std::vector<std::string>& sockets, bool on);

// Merges what only this box acknowledged (mirror.reconcile = "ask"), or tells what that would bring.
int run_reconcile(const std::vector<std::string>& sockets, bool dry_run);
// The standby sets its copy aside and fetches it all again.
int run_resync(const std::vector<std::string>& sockets);
// Compares both boxes entity by entity. exit_bad: they differ.
int run_verify(const std::vector<std::string>& sockets);
// exit_good: a restart of this box's tandemd is no outage now; exit_bad: it is, and what to do first has been said.
int run_upgrade_check(const std::vector<std::string>& sockets);

// Passwords and certificates are read again. exit_bad: one of the files is wrong, what was read before stays.
int run_reload(const std::vector<std::string>& sockets);

// Users and access rules, ordered at the active; both boxes have the change when the command returns (exit_good).
struct UserArguments {
  std::string name;
  std::vector<std::string> client_ids;  // patterns; none: any client
  bool generate = false;                // a password is made and shown
};
int run_user_add(const std::vector<std::string>& sockets, const UserArguments& arguments);
int run_user_passwd(const std::vector<std::string>& sockets, const UserArguments& arguments);
int run_user_clients(const std::vector<std::string>& sockets, const UserArguments& arguments);
int run_user_remove(const std::vector<std::string>& sockets, const std::string& name);
int run_user_list(const std::vector<std::string>& sockets);
int run_user_import(const std::vector<std::string>& sockets, const std::string& path);

// In what both boxes are configured differently, but for what is a box's own. exit_bad: in something.
int run_config_diff(const std::vector<std::string>& sockets);
// This box's file takes over what the other box runs with. exit_bad: not all of it.
struct ConfigPullArguments {
  std::string file = "/etc/tandem/tandem.toml";
};
int run_config_pull(const std::vector<std::string>& sockets, const ConfigPullArguments& arguments);
// What to type on the other box so that it takes over what this one runs with. exit_bad: nothing was changed.
int run_config_push(const std::vector<std::string>& sockets);

struct AclTestArguments {
  std::string user;
  std::string topic;
  std::string client_id = "client";
};
int run_acl_show(const std::vector<std::string>& sockets);
int run_acl_import(const std::vector<std::string>& sockets, const std::string& path);
int run_acl_clear(const std::vector<std::string>& sockets);
int run_acl_test(const std::vector<std::string>& sockets, const AclTestArguments& arguments);

struct EventsArguments {
  bool json = false;
  bool follow = false;
  std::size_t count = 50;
  std::string directory;  // read the files there instead of asking tandemd
};
int run_events(const std::vector<std::string>& sockets, const EventsArguments& arguments);

struct KeygenArguments {
  std::string folder;
  std::vector<std::string> names;
  bool force = false;  // replace existing files
  bool next = false;   // of this box, beside the present one; or
  bool use_next = false;
  std::string key_file = "/etc/tandem/mirror.key";
};
int run_keygen(const KeygenArguments& arguments);
int run_keygen_replace(const KeygenArguments& arguments);  // next or use_next

struct SetupKeepalivedArguments {
  std::string interface;
  std::string own;  // empty: the only address that can be meant
  std::string peer;
  std::vector<std::string> vips;  // with prefix
  int router_id = 51;
  std::string config;        // tandem.toml of this box; empty: its defaults
  std::string output = "-";  // "-": standard output
  bool force = false;        // replace an existing file
};
// exit_bad, of all of setup: something is wrong, nothing was written.
int run_setup_keepalived(const SetupKeepalivedArguments& arguments);

// Where the files of a box go.
struct SetupPlaces {
  std::string folder = "/etc/tandem";
  std::string keepalived = "/etc/keepalived/keepalived.conf";
  bool force = false;  // replace existing files
};

struct SetupPairArguments {
  std::string name;
  std::string peer_name;
  std::string interface;
  std::string own;
  std::string peer;
  std::vector<std::string> vips;  // with prefix
  std::string link_own;           // both or none
  std::string link_peer;
  std::vector<std::string> reach;
  std::string same_breaker;  // "yes", "no", or nothing
  std::string durability;    // nothing: by same_breaker
  int router_id = 51;
  SetupPlaces places;
};
int run_setup_pair(SetupPairArguments arguments);

struct SetupJoinArguments {
  std::string file;
  std::string interface;  // nothing: as in the file
  SetupPlaces places;
};
int run_setup_join(const SetupJoinArguments& arguments);

}  // namespace tandem::cli
