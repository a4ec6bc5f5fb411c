// RECONCILE, the winner's side: what a fact of the loser's tail means beside what happened here since the fork. Each
// fact becomes one Reconciled record, also one that is superseded: it carries the position up to which that epoch has
// been merged, which State keeps, so that an offer that is repeated, to this box or to its successor, merges nothing
// twice.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/decide.hpp"
#include "core/fork_index.hpp"
#include "core/merge_fact.hpp"
#include "core/record.hpp"
#include "core/state.hpp"

namespace tandem::core {

// Bits of Reconciled::outcome. DO NOT CHANGE OR REUSE ONE.
namespace merge_outcome {
inline constexpr std::uint32_t taken = 1;     // published, will_fired: it goes to its audience; others: it is done
inline constexpr std::uint32_t retained = 2;  // it sets or deletes the retained message
inline constexpr std::uint32_t held = 4;      // published: the packet id is marked as held
inline constexpr std::uint32_t own_will = 8;  // will_fired: the will that is kept here fires; else the carried message
inline constexpr std::uint32_t will = 16;     // connected, disconnected: the will is taken over or removed
inline constexpr std::uint32_t all = 31;
}  // namespace merge_outcome

// In Reconciled::refused of a `held` fact, behind the places of its list: plus a packet id, which is released, since
// the loser does not hold it any more. DO NOT CHANGE.
inline constexpr std::uint32_t released_place = 65'536;

enum class MergeEnd : std::uint8_t {
  merged,      // as it was meant
  superseded,  // all or a part of it is older than what this box has; `line` says so where a person should know
  refused,     // all or a part of it does not fit within a limit
  already,     // merged before: there is no record
};

struct ReconcileVerdict {
  MergeEnd end = MergeEnd::merged;
  Reconciled record;  // borrows from the fact; unless `already`
  // For `tandemctl events`: "retained 'a/b'", "client x", and what became of it. Empty: nothing that a person must
  // know.
  std::string subject;
  std::string line;
};

// Sums over a merge.
struct MergeReport {
  std::uint64_t facts = 0;
  std::uint64_t already = 0;
  std::uint64_t superseded = 0;
  std::uint64_t refused = 0;
  std::uint64_t messages = 0;  // taken over
  std::uint64_t retained = 0;
  std::uint64_t subscriptions = 0;  // set or removed
  std::uint64_t sessions = 0;
  std::uint64_t wills = 0;  // fired
  MissingFact missing;      // records that the loser's log did not have any more; last 0: none
  bool complete = false;    // the tail's end was merged, now or before

  // What a person should know, one line a subject however many facts spoke of it: the last of them, and how many.
  struct Note {
    std::string line;
    std::uint64_t times = 0;
  };
  std::map<std::string, Note> notes;  // at most max_notes; `refused` and `superseded` count all
  static constexpr std::size_t max_notes = 200;

  void add(const MergeFact& fact, const ReconcileVerdict& verdict);
  std::string sentence() const;
  std::vector<std::string> note_lines() const;
};

// Reuses `verdict`'s memory. `now`: log time of the batch that the record goes to. Then: append the record, apply it.
void decide_reconciled(State& state, const ForkIndex& fork, const Policy& policy, const Origin& origin,
                       const MergeFact& fact, Instant now, ReconcileVerdict& verdict);

// Has this fact, or a later one of its epoch, been merged into this State?
bool merged_already(const State& state, const Origin& origin);

}  // namespace tandem::core
