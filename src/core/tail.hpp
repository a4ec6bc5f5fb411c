// RECONCILE, the loser's side: makes facts of the records behind the common point. Two passes over the log: the first
// collects what later records say about earlier ones, the second gives facts. What is kept are ids and numbers, not
// messages (but wills, up to a bound).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/merge_fact.hpp"
#include "core/record.hpp"
#include "core/state.hpp"

namespace tandem::core {

// One fact on its way: opaque bytes and their name. The name is the record's own place, or, of a record that came here
// by an older RECONCILE, the place where it was first recorded.
struct TailFact {
  Origin origin;
  ByteBuffer bytes;
};

// How many facts of each kind (for `reconcile --dry-run`).
struct MergeCounts {
  std::uint64_t published = 0;
  std::uint64_t retained = 0;  // of `published`: those that set or delete a retained message
  std::uint64_t released = 0;
  std::uint64_t subscriptions = 0;  // filters
  std::uint64_t unsubscriptions = 0;
  std::uint64_t sessions = 0;  // begun, resumed, disconnected, ended
  std::uint64_t wills = 0;     // fired
  std::uint64_t acks = 0;      // records of acks: they become a fact a session

  void add(const MergeFact& fact);
  void add(const MergeCounts& other);
};

class TailReader {
 public:
  // `end`: State at the end of the tail; it stays as it is while this lives.
  TailReader(State& end, Lsn common);
  ~TailReader();

  // Pass one: every record behind `common`, in order. Then finish_scan().
  void scan(Lsn lsn, Instant time, const Record& record);
  void finish_scan();
  // After finish_scan(): facts that come from State (state_tail.hpp) stand for records that the log does not have.
  // `at`: a place behind all of those facts.
  void follow_state(const Origin& at);
  // Pass two: every record that may hold acknowledged things, in order. Appends at most one fact.
  void facts(Epoch epoch, Lsn lsn, Instant time, const Record& record, std::vector<TailFact>& out);
  // After the last record of pass two: what the tail's end says, and that this was all. Named after the last record.
  void closing(std::vector<TailFact>& out);

  const MergeCounts& counts() const { return counts_; }

 private:
  struct Removed;  // subscriptions that ended within the tail, as an index by topic

  struct Body;  // makes the fact of each kind of record

  void learn(SessionId session, std::string_view client_id);
  std::string_view client_of(SessionId session) const;
  bool waits(SessionId session, Lsn message) const;
  bool waits(std::string_view client_id, Lsn message) const;
  // Of the message that the record at this lsn made.
  Audience everyone_but(Lsn message, std::string_view topic);
  Audience those_waiting(Lsn message) const;
  std::vector<GroupFact> groups_of(Lsn message, std::string_view topic, const std::vector<SharedPick>& picks);
  std::vector<GroupFact> picked(Lsn message, const std::vector<SharedPick>& picks) const;
  void keep_will(std::string_view client_id, const std::optional<WillView>& will);
  std::optional<MessageView> take_will(std::string_view client_id, ByteBuffer& memory);
  std::optional<Instant> earlier_release(SessionId session, std::uint16_t packet_id) const;
  std::optional<QueueLeftFact> queue_left(SessionId session) const;
  // The message of that id, if a durable session waits for it.
  std::optional<MessageView> waiting_message(Lsn message) const;
  void give(MergeFact fact, const Origin& origin, std::vector<TailFact>& out);

  State& end_;
  Lsn common_;
  MergeCounts counts_;
  std::unordered_map<SessionId, std::string> names_;                   // of sessions that the end no longer has
  std::unordered_map<std::uint64_t, std::vector<SessionId>> waiting_;  // message id > common: who still holds it
  std::unordered_set<std::uint64_t> released_;                         // PUBLISHes (lsn) whose PUBREL came
  std::map<std::pair<SessionId, std::uint16_t>, Lsn> open_;            // QoS 2 in, not released: the latest PUBLISH
  std::map<std::pair<SessionId, std::uint16_t>, Instant> ended_;       // pass two: the latest PUBREL
  std::set<SessionId> acked_;                                          // sessions that finished entries
  std::map<std::string, ByteBuffer, std::less<>> wills_;               // by client id, pass two: encoded messages
  std::size_t will_bytes_ = 0;
  std::unique_ptr<Removed> removed_;
  Origin last_;
  bool any_ = false;
  Lsn from_state_;  // messages up to here come from State, if any do
  bool after_state_ = false;
};

}  // namespace tandem::core
