// RECONCILE, the loser's side, where its log does not go back to the fork any more: what State at the tail's end still
// knows of the missing records, as facts that go before those of the log. What ended in the missing part (sessions,
// subscriptions, wills, retained values) has left no trace in State.
//
// Names. A message has the place of its own record, as if it came from the log: so an offer that is repeated, also when
// the log was trimmed further meanwhile or this box has served in between, brings none twice. The other facts have the
// first place that the tail's last epoch has in it. They may be told again in a later epoch: they change nothing that
// is newer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/tail.hpp"

namespace tandem::core {

class StateTail {
 public:
  struct Missing {
    Lsn common;  // the fork
    Lsn first;   // of the records that are not in the log any more and are to be merged
    Lsn last;
    Lsn end;  // of the tail
  };
  // Of a record of the own log, also one that is not there any more; a zero epoch if unknown.
  using EpochAt = std::function<Epoch(Lsn)>;

  // `end`: State at missing.end; it stays as it is while this lives. Keeps ids and places, no messages.
  StateTail(State& end, const Missing& missing, EpochAt epoch_at);

  // Appends facts of about `max_bytes`; true when the last one has been given.
  bool next(std::size_t max_bytes, std::vector<TailFact>& out);
  // A place behind all facts given so far, at the tail's end: for what follows if the log has nothing.
  Origin after_all() const;
  const MergeCounts& counts() const { return counts_; }

 private:
  struct Waiting {
    std::uint64_t message = 0;
    const Session* session = nullptr;
    Sequence sequence = 0;
  };
  using RetainedPlace = std::pair<std::uint64_t, const Retained*>;  // by message id

  bool missing(std::uint64_t message) const {
    return missing_.first.value <= message && message <= missing_.last.value;
  }
  void find_sessions();
  void find_messages();
  Epoch epoch_of(Lsn lsn) const;
  Lsn first_with(const std::function<bool(Lsn)>& holds) const;
  void give_session(const std::string& client, std::vector<TailFact>& out);
  void give_will(const std::string& client, ConnectedFact& fact) const;
  void give_subscriptions(const Session& session, std::vector<TailFact>& out);
  void give_message(std::vector<TailFact>& out);
  void give_entity(MergeFact fact, std::vector<TailFact>& out);
  void give(MergeFact fact, const Origin& origin, std::vector<TailFact>& out);

  State& end_;
  Missing missing_;
  EpochAt epoch_at_;
  Lsn known_from_;  // the epochs of records from here on are known
  Origin entity_;   // of the latest fact that is not a message
  bool began_ = false;
  std::vector<std::string> clients_;     // with a durable session, or a will of the missing part; ascending
  std::vector<Waiting> waiting_;         // of the missing part, by message, then client
  std::vector<RetainedPlace> retained_;  // likewise, by message
  std::size_t next_client_ = 0;
  std::size_t next_waiting_ = 0;
  std::size_t next_retained_ = 0;
  std::uint32_t last_index_ = 0;  // of facts that are named after the tail's last record
  std::size_t given_bytes_ = 0;
  MergeCounts counts_;
};

}  // namespace tandem::core
