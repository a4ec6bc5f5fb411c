// Rules of wills, read from the records that an active appends: none fires while its client is connected, after a
// DISCONNECT, or, after a takeover, before the client had its time to come back; one that fired reaches its
// subscribers.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "core/record.hpp"
#include "core/state.hpp"
#include "history.hpp"

namespace sim {

class WillCheck {
 public:
  WillCheck(History& history, std::function<void(const std::string&)> broken)
      : history_(history), broken_(std::move(broken)) {}

  // A node's store was given a batch. `state`: after it.
  void appended(int node, bool serving, const tandem::Batch& batch, const tandem::core::State& state);
  // An active's log is safe up to here: what fired before it is promised to the subscribers.
  void safe(Server by, tandem::Lsn lsn, std::int64_t now);
  // Its log is cut, or its end may be lost: what is known of its clients may be wrong.
  void forget(int node) { books_[static_cast<std::size_t>(node)].clear(); }
  void reign_ended(int node) { pending_[static_cast<std::size_t>(node)].clear(); }

 private:
  struct Seen {
    enum class Last : std::uint8_t { before, connected, left_will, left_none, unknown } last = Last::before;
    tandem::Instant due;  // before: not to be fired earlier
    std::string will;     // its id, empty: none or unknown
  };
  struct Fired {
    tandem::Lsn lsn;
    std::string will;
  };
  using Book = std::map<std::string, Seen>;

  void began(Book& book, const tandem::core::EpochBegan& record, tandem::Instant time,
             const tandem::core::State& state);
  void fired(int node, const std::string& client, tandem::Lsn lsn, tandem::Instant time, bool serving);

  History& history_;
  std::function<void(const std::string&)> broken_;
  std::array<Book, 2> books_;
  std::array<std::vector<Fired>, 2> pending_;
};

}  // namespace sim
