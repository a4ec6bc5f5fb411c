// The digest taken apart: what `tandemctl verify` compares.
#include "core/entities.hpp"

#include <set>

#include "doctest.hpp"
#include "samples.hpp"

namespace tandem::core::test {

namespace {

std::vector<EntityHash> found(const State& state, Table table, std::size_t bucket, std::size_t slice = 1'000'000) {
  BucketSearch search(table, bucket);
  while (!search.done()) search.step(state, slice);
  const auto list = search.list(state);
  REQUIRE(list.has_value());
  return *list;
}

}  // namespace

TEST_CASE("The entities of a bucket add up to its sum, and every table has some") {
  const auto state = sample_state();
  for (std::size_t t = 0; t < table_count; ++t) {
    const auto table = static_cast<Table>(t);
    INFO(table_name(table));
    std::set<std::string> keys;
    const Digest::Sums& sums = state->digest().sums(table);
    for (std::size_t bucket = 0; bucket < sums.size(); ++bucket) {
      std::uint64_t sum = 0;
      for (const EntityHash& entity : found(*state, table, bucket)) {
        sum += entity.hash;
        CHECK(keys.insert(entity.key).second);
      }
      REQUIRE_EQ(sum, sums[bucket]);
    }
    CHECK_FALSE(keys.empty());
  }
}

TEST_CASE("A search one entity at a time finds what a search at once finds") {
  const auto state = sample_state();
  for (std::size_t t = 0; t < table_count; ++t) {
    const auto table = static_cast<Table>(t);
    for (std::size_t bucket = 0; bucket < limits::digest_buckets; ++bucket) {
      const auto at_once = found(*state, table, bucket);
      const auto one_by_one = found(*state, table, bucket, 1);
      REQUIRE_EQ(one_by_one.size(), at_once.size());
      for (std::size_t i = 0; i < at_once.size(); ++i) CHECK_EQ(one_by_one[i].key, at_once[i].key);
    }
  }
}

TEST_CASE("A step looks at no more than it was told") {
  State state;
  for (int i = 0; i < 100; ++i) state.set_retained("t/" + std::to_string(i), {});
  for (SessionId id = 1; id <= 100; ++id) state.add_session(id, "client" + std::to_string(id), true);
  BucketSearch search(Table::sessions, 0);
  int steps = 1;
  for (; !search.step(state, 10); ++steps) {
  }
  CHECK_EQ(steps, 10);
}

TEST_CASE("What came unseen makes the list incomplete, and that is noticed; another search finds it") {
  State state;
  std::size_t bucket = 0;
  for (SessionId id = 1; id <= 4'000; ++id) {
    state.add_session(id, "client" + std::to_string(id), true);
    if (id == 4'000) bucket = Digest::bucket_of(id);
  }
  BucketSearch search(Table::sessions, bucket);
  search.step(state, 2'000);
  SessionId late = 5'000;
  while (Digest::bucket_of(late) != bucket) ++late;
  state.add_session(late, "a client before all others", true);
  while (!search.step(state, 1'000)) {
  }
  CHECK_FALSE(search.list(state).has_value());
  CHECK_FALSE(found(state, Table::sessions, bucket).empty());
}

TEST_CASE("What went meanwhile is not in the list; what the search had seen and is changed is hashed as it is now") {
  State state;
  const SessionId gone = 1;
  state.add_session(gone, "gone", true);
  const std::size_t bucket = Digest::bucket_of(gone);
  SessionId stays = 2;
  while (Digest::bucket_of(stays) != bucket) ++stays;
  state.add_session(stays, "stays", true);
  BucketSearch search(Table::sessions, bucket);
  while (!search.step(state, 1)) {
  }
  state.remove_session(*state.session(gone));
  state.edit_session(*state.session(stays), [](Session& session) { session.keep_alive_s = 99; });
  const auto list = search.list(state);
  REQUIRE(list.has_value());
  REQUIRE_EQ(list->size(), 1);
  CHECK_EQ(list->front().key, "client stays");
}

TEST_CASE("One different entity is found by its bucket") {
  const auto one = sample_state();
  const auto other = sample_state();
  bool existed = false;
  other->put_subscription(*other->session_of("c1"), "odd/one", {}, 0, existed);
  const Digest::Sums& a = one->digest().sums(Table::subscriptions);
  const Digest::Sums& b = other->digest().sums(Table::subscriptions);
  std::vector<std::string> different;
  for (std::size_t bucket = 0; bucket < a.size(); ++bucket) {
    if (a[bucket] == b[bucket]) continue;
    const auto here = found(*one, Table::subscriptions, bucket);
    const auto there = found(*other, Table::subscriptions, bucket);
    std::set<std::string> known;
    for (const EntityHash& entity : here) known.insert(entity.key);
    for (const EntityHash& entity : there) {
      if (!known.contains(entity.key)) different.push_back(entity.key);
    }
  }
  CHECK_EQ(different, std::vector<std::string>{"client c1 odd/one"});
}

}  // namespace tandem::core::test
