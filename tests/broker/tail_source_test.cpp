// The loser's own log as facts, read through a real store: whole, and trimmed behind the fork.
#include "broker/tail_source.hpp"

#include <algorithm>

#include "core/merge_fact.hpp"
#include "tests/core/doctest.hpp"
#include "tests/core/split.hpp"
#include "tests/store/harness.hpp"

namespace tandem::broker {

namespace {

using core::test::World;

// A loser's box: its log is in a store, up to the end of the world.
struct Loser {
  Loser() : run(directory.path()) {
    core::test::subscribe_all(world, 2, "t");
    for (int i = 0; i < 40; ++i) {
      core::test::publish_from(world, 2, "t", "m" + std::to_string(i));
      world.end_turn();
    }
    for (const Batch& batch : world.log()) run.store().append(batch, true);
    REQUIRE(run.until_durable(end()));
  }

  Lsn end() const { return world.log().back().last(); }
  core::StateTail::EpochAt epochs() {
    return [this](Lsn) { return world.log().back().epoch; };
  }
  // The log up to `to` goes.
  void trim(Lsn to) {
    REQUIRE(run.checkpoint(end(), "", {}));
    run.store().trim(to);
    REQUIRE(run.until([&] { return run.trimmed_to >= to; }));
  }
  // Everything that the source gives, as a joining box asks for it.
  std::vector<mirror::TailItem> read(TailSource& source, std::size_t max_bytes) {
    std::vector<mirror::TailItem> items;
    for (bool last = false; !last;) {
      std::optional<mirror::TailPiece> piece = source.next(max_bytes);
      while (!piece) {
        run.chunks.clear();
        REQUIRE(run.until([&] { return !run.chunks.empty(); }));
        REQUIRE(source.owns(run.chunks.front().catch_up));
        piece = source.on_chunk(std::move(run.chunks.front()));
      }
      CHECK_EQ(piece->error, "");
      CHECK(piece->read_to <= end());
      last = piece->end;
      std::move(piece->items.begin(), piece->items.end(), std::back_inserter(items));
    }
    return items;
  }

  store::testing::Directory directory;
  World world;
  store::testing::Running run;
};

std::size_t count(const std::vector<mirror::TailItem>& items, core::FactKind kind) {
  return static_cast<std::size_t>(std::count_if(items.begin(), items.end(), [&](const mirror::TailItem& item) {
    const Result<core::MergeFact> fact = core::decode_fact(item.fact);
    return fact.ok() && fact.value().kind() == kind;
  }));
}

}  // namespace

TEST_CASE("A tail whose first records are not in the log any more comes from State, then from the log, all of it") {
  for (const std::uint64_t cut : {std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{30}, UINT64_MAX}) {
    Loser loser;
    const Lsn to = std::min(Lsn{cut}, loser.end());
    if (cut != 0) loser.trim(to);
    const mirror::OpenTail tail{Lsn{0}, Lsn{1}, loser.end()};
    CHECK_EQ(TailSource::missing_note(loser.run.store(), tail).empty(), cut == 0);
    TailSource source(loser.run.store());
    source.open(loser.world.standby(), tail, loser.epochs());
    const std::vector<mirror::TailItem> items = loser.read(source, 300);
    CHECK_EQ(count(items, core::FactKind::missing), cut == 0 ? 0 : 1);
    CHECK_EQ(count(items, core::FactKind::end), 1);
    CHECK_EQ(count(items, core::FactKind::published) + count(items, core::FactKind::queued), 40);
    const Result<core::MergeCounts> counts =
        TailSource::count(loser.run.store(), loser.world.standby(), tail, loser.epochs());
    REQUIRE(counts.ok());
    CHECK_EQ(counts.value().published, 40);
  }
}

TEST_CASE("A log that is trimmed while the tail is being read: State speaks for what went, under the same names") {
  Loser loser;
  const mirror::OpenTail tail{Lsn{0}, Lsn{1}, loser.end()};
  TailSource source(loser.run.store());
  source.open(loser.world.standby(), tail, loser.epochs());
  loser.trim(Lsn{20});
  const std::vector<mirror::TailItem> items = loser.read(source, 300);
  CHECK_EQ(count(items, core::FactKind::missing), 1);
  CHECK_EQ(count(items, core::FactKind::published) + count(items, core::FactKind::queued), 40);
}

}  // namespace tandem::broker
