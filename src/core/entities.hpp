// The digest, taken apart (`tandemctl verify`): the entities behind one bucket of a table. They are found over several
// turns, since that takes a look at every entity of the table, while State goes on changing; and hashed at one moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/digest.hpp"
#include "core/state.hpp"

namespace tandem::core {

struct EntityHash {
  std::string key;         // for people, the same on both boxes; unique within its table
  std::uint64_t hash = 0;  // of all that the digest sees of it
};

class BucketSearch {
 public:
  BucketSearch(Table table, std::size_t bucket);

  bool is_for(Table table, std::size_t bucket) const { return table == table_ && bucket == bucket_; }
  bool done() const { return phase_ == Phase::done; }
  // Looks at up to `at_most` entities (of the messages table: at those that may hold one). True: all have been seen.
  bool step(const State& state, std::size_t at_most);
  // What is in the bucket now, by key (done). The hashes add up to the bucket's sum (Digest::sums), modulo 2^64;
  // nullopt: they do not, because something came or went unseen meanwhile: search again. Takes as long as the bucket is
  // full: about 1/1024 of the table, or one large session.
  std::optional<std::vector<EntityHash>> list(const State& state) const;

 private:
  // Each walks its map in the order of its keys, from at_ on.
  enum class Phase : std::uint8_t { sessions, retained, wills, done };

  bool mine(std::uint64_t key) const { return Digest::bucket_of(key) == bucket_; }
  Phase after(Phase phase) const;
  void begin_messages(const State& state);
  void walk_sessions(const State& state, std::size_t& left);
  bool walk_session(const Session& session, std::size_t& left);
  void add_access(std::map<std::string, std::uint64_t>& hashes, const AccessRules& access) const;
  template <class Map>
  void walk_names(const Map& map, std::vector<std::string>& found, std::size_t& left);

  Table table_;
  std::size_t bucket_;
  Phase phase_;
  std::string at_;                    // the next key to look at
  std::optional<Sequence> in_queue_;  // that session's queue has been begun; the next entry to look at
  // Where the bucket's entities are; of the messages table: where one has been seen.
  std::vector<SessionId> sessions_;
  std::vector<std::pair<SessionId, Sequence>> queued_;
  std::vector<std::string> topics_;
  std::vector<std::string> clients_;            // with a will
  std::optional<std::uint64_t> newest_before_;  // id of the newest message when the search began; 0: not known
};

}  // namespace tandem::core
