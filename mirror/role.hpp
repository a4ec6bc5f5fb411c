// The role rules of roles.md as one table. Pure: facts in, one row out. The row says what to do, what the node is then,
// and why in one sentence: the journal line, `why` in status and docs/roles.md all come from it. Words are levels, not
// edges: the table is asked after every input until it says "wait".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tandem::mirror {

enum class RoleState : std::uint8_t {
  empty,   // STANDBY with a fresh store
  unsure,  // STANDBY without a lease
  stale,   // STANDBY, half loaded
  sure,    // STANDBY, in sync, lease valid
  promoting,
  active_wait,  // ACTIVE SOLO, not solo_ok
  active_solo,  // ACTIVE SOLO, solo_ok
  active_mirrored,
};

std::string_view role_state_name(RoleState state);

struct RoleFacts {
  bool guard = false;     // A0 in force
  bool master = false;    // told MASTER
  bool stopping = false;  // orderly stop under way
  bool maintenance = false;
  bool switched_over = false;   // planned switchover: the time to let go has come
  bool operator_grace = false;  // just promoted by an operator, not yet told MASTER
  bool linked = false;          // stream up
  bool peer_active = false;
  bool peer_promoting = false;
  bool peer_master = false;  // the peer says that it is told MASTER
  bool peer_empty = false;
  bool both_damaged = false;  // the own store lost a part of its records on the disk, and the peer is STALE too
  bool peer_epoch_higher = false;
  bool peer_epoch_lower = false;
  bool store_busy = false;          // a Rewind, Wipe or image is under way
  bool boot_wait_over = false;      // T_boot
  bool peer_served_lately = false;  // heard ACTIVE and told MASTER a moment ago, and nothing else since
  bool promote_when_unsure = true;
  bool single = false;          // no peer configured
  bool mirror_lost = false;     // the stream is down, or the standby was let go
  bool joining = false;         // between S1 and S3, standby linked
  bool solo_wait_over = false;  // T_solo
};

enum class RoleAction : std::uint8_t {
  wait,
  demote,
  bump_epoch,
  leave_mirror,
  prepare_solo,
  join,
  merge,
  promote_clean,
  promote_unclean,
};

struct RoleRow {
  std::string_view rule;       // as in roles.md
  unsigned states;             // bit set of RoleState
  std::string_view condition;  // `holds` in words, for docs/roles.md
  bool (*holds)(const RoleFacts&);
  RoleAction action;
  std::string_view sentence;  // for a person
  std::string_view hint;      // what a technician could do; may be empty
};

// First row that holds wins.
std::span<const RoleRow> role_table();
const RoleRow& decide_role(RoleState state, const RoleFacts& facts);

std::string_view role_action_name(RoleAction action);
// The table as Markdown, as docs/roles.md shows it.
std::string role_table_markdown();

}  // namespace tandem::mirror
