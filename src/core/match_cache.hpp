// Look-ups of topics in use, bounded in number and in bytes. When it is full, a topic gets in, in the place of the
// oldest, when it was asked for before not long ago: whoever goes through more topics than there is room for (a replay
// of a hundred thousand queues, a client that invents topics) neither drives out what others use nor pays for
// coming and going. The answers are the same either way.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "core/match.hpp"

namespace tandem::core {

class MatchCache {
 public:
  MatchCache() = default;
  MatchCache(const MatchCache&) = delete;
  MatchCache& operator=(const MatchCache&) = delete;

  // The topic's entry; generation 0: it is new and to be built. It is this topic's until the next at(), and as long as
  // it bears the same stamp; it never moves.
  Match& at(std::string_view topic);
  // What an entry costs beside others; resized() after it was built, with what it had cost before.
  static std::size_t cost(const Match& match);
  void resized(const Match& match, std::size_t cost_before);

 private:
  bool full_for(std::string_view topic) const;
  bool asked_lately(std::string_view topic);
  Match& add(std::string_view topic);
  void give_to(Match& entry, std::string_view topic);
  Match& oldest(const Match* keep);
  void drop(Match& entry);
  void make_room(const Match& keep);

  static constexpr std::size_t remembered = 4'096;

  boost::unordered_flat_map<std::string_view, Match*, TextHash> index_;
  std::deque<Match> entries_;                      // stay where they are: index_ and publishers point to them
  std::vector<Match*> spare_;                      // of entries_: no topic's
  std::size_t next_ = 0;                           // in entries_: the oldest
  std::size_t bytes_ = 0;                          // sum of the costs
  Match guest_;                                    // of a topic that did not get in
  std::array<std::uint16_t, remembered> asked_{};  // marks of such topics, by hash
  std::uint64_t stamps_ = 0;
};

}  // namespace tandem::core
