// The simulated store (tests/sim/sim_store.hpp) against the real one: the same calls, chosen at random, give the same
// answers. That keeps the simulation honest about the disk.
#include <algorithm>
#include <filesystem>
#include <random>

#include "sim/sim_store.hpp"
#include "store/set_aside.hpp"
#include "test.hpp"

using namespace tandem;
using namespace tandem::store::testing;

namespace {

// The simulated store, with what its events have told so far.
struct Simulated {
  explicit Simulated(std::uint64_t first_seed) : seed(first_seed) { open(); }
  void open() {
    REQUIRE(sim::SimStore::openable(disk).ok());
    store = std::make_unique<sim::SimStore>(disk, ++seed, 4, now);
  }
  void close() {
    store->close();
    store.reset();
  }
  void take() {
    store::Events events = store->take_events();
    durable = events.durable;
    tokens.insert(tokens.end(), events.tokens.begin(), events.tokens.end());
    for (store::Chunk& chunk : events.chunks) chunks.push_back(std::move(chunk));
  }
  // Until nothing is left to do.
  void settle() {
    while (const std::optional<std::int64_t> due = store->next_due()) {
      now = std::max(now + 1, *due);
      store->advance(now);
      take();
    }
  }

  sim::Disk disk;
  std::uint64_t seed;
  std::int64_t now = 1'000;
  std::unique_ptr<sim::SimStore> store;
  Lsn durable;
  std::vector<std::uint64_t> tokens;
  std::vector<store::Chunk> chunks;
};

class Contract {
 public:
  explicit Contract(std::uint64_t seed) : rng_(seed), real_(directory_.path()), sim_(seed) {
    borders_.push_back(Lsn{0});
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    compare();
    reopen();
  }

 private:
  std::uint64_t random(std::uint64_t below) { return rng_() % below; }
  Lsn end() const { return borders_.back(); }
  template <class Call>
  void both(Call&& call) {
    call(real_.store());
    call(*sim_.store);
  }
  std::uint64_t token() {
    tokens_.push_back(++last_token_);
    return last_token_;
  }

  void step() {
    switch (random(12)) {
      case 0:
        both([](store::Store& store) { store.commit_now(); });
        break;
      case 1: {
        const std::string meta = "meta " + std::to_string(random(1000));
        const std::uint64_t number = token();
        both([&](store::Store& store) { store.write_meta(meta, number); });
        break;
      }
      case 2:
        checkpoint();
        break;
      case 3:
        if (random(3) == 0) rewind();
        break;
      case 4:
        if (random(5) == 0) wipe();
        break;
      case 5:
        trim();
        break;
      case 6:
        if (random(3) == 0) catch_up();
        break;
      case 7:
        if (random(4) == 0) reopen();
        break;
      default:
        append();
        break;
    }
  }

  void append() {
    for (std::uint64_t n = 1 + random(5); n > 0; --n) {
      const Batch batch =
          make_batch(end().next(), static_cast<std::uint32_t>(1 + random(4)), 1 + random(3000), random(9));
      const bool urgent = random(4) == 0;
      both([&](store::Store& store) { store.append(batch, urgent); });
      borders_.push_back(batch.last());
    }
  }

  std::vector<Row> some_rows() {
    std::vector<Row> rows;
    for (std::uint64_t n = random(6); n > 0; --n) {
      const std::string key = "key " + std::to_string(random(10));
      const auto kind = static_cast<std::uint8_t>(1 + random(2));
      rows.push_back(random(4) == 0 ? erased_row(kind, key)
                                    : make_row(kind, key, std::string(static_cast<std::size_t>(random(300)), 'v')));
    }
    return rows;
  }

  void checkpoint_at(Lsn at, bool replace_all, bool commit) {
    const std::string info = "info " + std::to_string(at.value);
    const std::vector<Row> rows = some_rows();
    const std::uint64_t number = commit ? token() : 0;
    both([&](store::Store& store) {
      store.begin_checkpoint(at, info, replace_all);
      store.put_rows(rows);
      if (commit) {
        store.commit_checkpoint(number);
      } else {
        store.abort_checkpoint();
      }
    });
    if (commit) rows_at_ = at;
  }

  void checkpoint() {
    if (end() == Lsn{0}) return;
    checkpoint_at(end(), random(4) == 0, random(4) != 0);
  }

  void rewind() {
    settle();  // the log's beginning is known when an earlier wipe is done
    const Lsn least = std::max(rows_at_, trimmed_);
    std::vector<Lsn> possible;
    std::copy_if(borders_.begin(), borders_.end(), std::back_inserter(possible), [&](Lsn at) { return at >= least; });
    if (possible.empty()) return;
    const Lsn to = possible[random(possible.size())];
    const std::uint64_t number = token();
    both([&](store::Store& store) { store.rewind(to, "rewound", number); });
    while (end() > to) borders_.pop_back();
  }

  // The log is set aside, an image comes, and the log goes on behind it.
  void wipe() {
    const Lsn keep = borders_[random(borders_.size())];
    const std::uint64_t number = token();
    both([&](store::Store& store) { store.wipe(keep, "wiped", number); });
    borders_ = {Lsn{0}};
    rows_at_ = trimmed_ = Lsn{0};
    if (random(3) == 0) return;
    const Lsn at{100 + random(1000)};
    checkpoint_at(at, true, true);
    both([&](store::Store& store) { store.restart_log(at); });
    borders_ = {at};
    trimmed_ = at;
  }

  void trim() {
    settle();  // it never goes beyond the committed checkpoint, and when that is committed is the store's affair
    const Lsn to = borders_[random(borders_.size())];
    both([&](store::Store& store) { store.trim(to); });
    trimmed_ = std::max(trimmed_, std::min(to, rows_at_));
    settle();  // what a wipe sets aside depends on how far the trim has come
  }

  void catch_up() {
    settle();
    const bool with_rows = random(2) == 0;
    const Lsn after = borders_[random(borders_.size())];
    const std::size_t max_bytes = 1 + random(8000);
    real_.chunks.clear();
    sim_.chunks.clear();
    std::uint64_t numbers[2] = {0, 0};
    std::size_t which = 0;
    both([&](store::Store& store) { numbers[which++] = store.open_catch_up(after, with_rows); });
    for (std::size_t count = 1; count < 1'000; ++count) {
      real_.store().next_chunk(numbers[0], max_bytes);
      sim_.store->next_chunk(numbers[1], max_bytes);
      sim_.settle();
      REQUIRE(real_.until([&] { return real_.chunks.size() == count; }));
      REQUIRE(sim_.chunks.size() == count);
      const store::Chunk& a = real_.chunks.back();
      const store::Chunk& b = sim_.chunks.back();
      compare(a, b);
      if (a.at_log_end || a.gap) break;
    }
    real_.store().close_catch_up(numbers[0]);
    sim_.store->close_catch_up(numbers[1]);
  }

  void compare(const store::Chunk& a, const store::Chunk& b) {
    CHECK(a.rows_lsn == b.rows_lsn);
    CHECK(a.checkpoint_info == b.checkpoint_info);
    CHECK(shown(a.rows) == shown(b.rows));
    CHECK(a.rows_end == b.rows_end);
    CHECK(a.at_log_end == b.at_log_end);
    CHECK(a.gap == b.gap);
    CHECK(!a.error);
    CHECK(!b.error);
    compare(a.batches, b.batches);
  }

  void compare(const std::vector<Batch>& a, const std::vector<Batch>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(same(a[i], b[i]));
  }

  // Everything that was asked for is done in both.
  void settle() {
    both([](store::Store& store) { store.commit_now(); });
    sim_.settle();
    REQUIRE(real_.until([&] {
      return real_.durable == end() && real_.tokens.size() == tokens_.size() &&
             real_.store().log_first() == sim_.store->log_first();
    }));
    CHECK(sim_.durable == end());
  }

  void compare() {
    settle();
    // The calls' order, but a checkpoint's end may be told later: so the sets are equal, and the others' order is.
    std::vector<std::uint64_t> all_real = real_.tokens;
    std::vector<std::uint64_t> all_sim = sim_.tokens;
    std::sort(all_real.begin(), all_real.end());
    std::sort(all_sim.begin(), all_sim.end());
    CHECK(all_real == tokens_);
    CHECK(all_sim == tokens_);
    CHECK(real_.store().log_bytes() == sim_.store->log_bytes());
    std::vector<Row> rows;
    REQUIRE(sim_.store
                ->load_rows([&](Row&& row) {
                  rows.push_back(std::move(row));
                  return Status{};
                })
                .ok());
    CHECK(shown(real_.rows()) == shown(rows));
    std::vector<Batch> batches;
    REQUIRE(sim_.store
                ->load_log(std::max(rows_at_, trimmed_),
                           [&](Batch&& batch) {
                             batches.push_back(std::move(batch));
                             return Status{};
                           })
                .ok());
    compare(real_.log(std::max(rows_at_, trimmed_)), batches);
    compare_set_aside();
  }

  void compare_set_aside() {
    std::vector<std::string> real_files;
    for (const std::string& name : directory_.names()) {
      if (!name.starts_with("set-aside-")) continue;
      std::string text;
      const Result<store::SetAsideContent> content = store::read_set_aside(directory_.file(name), [&](Batch&& batch) {
        text += " " + std::to_string(batch.first.value) + "#" + std::to_string(batch.bytes->size());
        return Status{};
      });
      REQUIRE(content.ok());
      real_files.push_back(content.value().note + text);
    }
    std::vector<std::string> sim_files;
    for (const sim::SetAside& file : sim_.disk.aside) {
      std::string text = file.note;
      for (const Batch& batch : file.batches) {
        text += " " + std::to_string(batch.first.value) + "#" + std::to_string(batch.bytes->size());
      }
      sim_files.push_back(text);
    }
    // Two files with the same batches may be there or not: the real ones also carry where a batch stood in the stream.
    for (std::vector<std::string>* files : {&real_files, &sim_files}) {
      std::sort(files->begin(), files->end());
      files->erase(std::unique(files->begin(), files->end()), files->end());
    }
    REQUIRE(real_files.size() == sim_files.size());
    for (std::size_t i = 0; i < real_files.size(); ++i) CHECK(real_files[i] == sim_files[i]);
  }

  void reopen() {
    if (random(2) == 0) settle();  // else: an orderly end writes what was asked for
    real_.close();
    sim_.close();
    real_.open();
    sim_.open();
    const store::Found& a = real_.store().found();
    const store::Found& b = sim_.store->found();
    CHECK(a.fresh == b.fresh);
    CHECK(a.meta == b.meta);
    CHECK(a.checkpoint == b.checkpoint);
    CHECK(a.checkpoint_info == b.checkpoint_info);
    CHECK(a.log_first == b.log_first);
    CHECK(a.log_last == b.log_last);
    tokens_.clear();  // a token that was not told before the end never is
    real_.tokens.clear();
    sim_.tokens.clear();
    sim_.take();
    CHECK(sim_.durable == std::max(b.log_last, b.checkpoint));
    trimmed_ = std::max(trimmed_, Lsn{real_.store().log_first().value - 1});
  }

  std::mt19937_64 rng_;
  Directory directory_;
  Running real_;
  Simulated sim_;
  std::vector<Lsn> borders_;  // batch borders of the log, and where it begins
  Lsn rows_at_;
  Lsn trimmed_;
  std::uint64_t last_token_ = 0;
  std::vector<std::uint64_t> tokens_;
};

}  // namespace

TEST_CASE("contract: the simulated store answers as the real one does") {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    Contract(seed).run(60);
  }
}

TEST_CASE("contract: a crash of the simulated disk keeps a prefix, and everything that was told durable") {
  std::mt19937_64 rng(7);
  for (int round = 0; round < 300; ++round) {
    Simulated sim(rng());
    Lsn next{1};
    const std::int64_t until = sim.now + static_cast<std::int64_t>(rng() % 200);
    for (; sim.now < until; ++sim.now) {
      sim.store->advance(sim.now);
      sim.take();
      if (rng() % 3 != 0) continue;
      const Batch batch = make_batch(next, 1 + static_cast<std::uint32_t>(rng() % 3), 50);
      next = batch.last().next();
      sim.store->append(batch, rng() % 4 == 0);
      if (rng() % 20 == 0) sim.store->write_meta("meta " + std::to_string(next.value), next.value);
      if (rng() % 30 != 0) continue;
      sim.store->begin_checkpoint(Lsn{next.value - 1}, "i", false);
      sim.store->put_rows({make_row(1, "k", std::to_string(next.value - 1))});
      sim.store->commit_checkpoint(1'000'000 + next.value);
    }
    sim.store->crash();
    sim.store.reset();
    const Lsn told = sim.durable;
    sim.open();
    const store::Found& found = sim.store->found();
    CHECK(std::max(found.log_last, found.checkpoint) >= told);
    for (const std::uint64_t token : sim.tokens) {
      if (token > 1'000'000) CHECK(found.checkpoint.value >= token - 1'000'001);
      if (token <= 1'000'000) CHECK(found.meta >= "meta ");
    }
    // Meta is never there before the batches that were appended before it.
    if (!found.meta.empty()) CHECK(found.log_last.value + 1 >= std::stoull(found.meta.substr(5)));
    CHECK(found.checkpoint <= std::max(found.log_last, told));
    CHECK(sim.store->load_log(found.checkpoint, [](Batch&&) { return Status{}; }).ok());
  }
}

TEST_CASE("contract: a full simulated disk drops nothing, a rotten one says so") {
  Simulated sim(3);
  sim.disk.full = true;
  sim.disk.ballast_bytes = 1'000;
  for (std::uint64_t i = 1; i <= 10; ++i) sim.store->append(make_batch(Lsn{i}, 1, 500), true);
  for (int i = 0; i < 2'000; ++i) sim.store->advance(++sim.now);
  store::Events events = sim.store->take_events();
  CHECK(events.disk_full);
  CHECK(events.errors.size() == 1);
  CHECK(events.durable == Lsn{0});
  CHECK_FALSE(sim.store->load_log(Lsn{0}, [](Batch&&) { return Status{}; }).ok());
  sim.disk.full = false;
  for (int i = 0; i < 3'000; ++i) sim.store->advance(++sim.now);
  events = sim.store->take_events();
  CHECK(events.durable == Lsn{10});
  CHECK_FALSE(events.disk_full);

  CHECK(sim.disk.rot(4) == "the batch at record 5");
  int read = 0;
  const Status status = sim.store->load_log(Lsn{0}, [&](Batch&&) {
    ++read;
    return Status{};
  });
  CHECK_FALSE(status.ok());
  CHECK(read == 4);
}
