// A pair that has split: two Worlds with a common past, and the merging of one's log into the other.
#pragma once

#include <memory>
#include <vector>

#include "world.hpp"

namespace tandem::core::test {

// All facts of what `loser` has done behind `common`; its reign is over.
std::vector<TailFact> tail_of(World& loser, Lsn common, Lsn from, MergeCounts* counts = nullptr);
// The same when the log up to `cut` is gone and State at its end speaks for that part; given in pieces.
std::vector<TailFact> trimmed_tail_of(World& loser, Lsn common, Lsn cut, std::size_t piece_bytes = 65'536);
// What `winner` has done behind `common`.
ForkIndex index_of(World& winner, Lsn common);

using Payloads = std::vector<std::string>;

// `count` clients with durable sessions, subscribed to `filter`, then gone.
void subscribe_all(World& world, std::size_t count, const std::string& filter);
// Connects the client if it is not; with a durable session.
void publish_from(World& world, std::size_t client, const std::string& topic, const std::string& payload,
                  const PublishOptions& options = {});
PublishOptions qos2(std::uint16_t packet_id);

class Split {
 public:
  explicit Split(std::size_t clients = 6) : winner(std::make_unique<World>(clients)) {}

  void split() {
    loser = winner->fork();
    common = Lsn{winner->last_lsn()};
  }
  // Time passes on both sides.
  void advance_ms(std::int64_t ms) {
    winner->advance_ms(ms);
    if (loser) loser->advance_ms(ms);
  }
  // Merges all of the loser's log; checks that the winner's standby agrees.
  MergeReport merge();
  const Session* session(const Client& client) { return winner->active().session_of(client.id); }
  // The client, connected to the winner, and what it gets there.
  std::vector<std::string> take_all(std::size_t client);

  std::unique_ptr<World> winner;
  std::unique_ptr<World> loser;
  Lsn common;
  std::vector<std::string> lines;  // of the verdicts
};

}  // namespace tandem::core::test
