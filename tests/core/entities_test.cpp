// The digest taken apart: what `tandemctl verify` compares.
#include "core/entities.hpp"

#include <set>

#include "doctest.hpp"
#include "samples.hpp"

namespace tandem::core::test {

TEST_CASE("The entities of a bucket add up to its sum, and every table has some") {
  const auto state = sample_state();
  for (std::size_t t = 0; t < table_count; ++t) {
    const auto table = static_cast<Table>(t);
    INFO(table_name(table));
    std::set<std::string> keys;
    const Digest::Sums& sums = state->digest().sums(table);
    for (std::size_t bucket = 0; bucket < sums.size(); ++bucket) {
      std::uint64_t sum = 0;
      for (const EntityHash& entity : entities_in_bucket(*state, table, bucket)) {
        sum += entity.hash;
        CHECK(keys.insert(entity.key).second);
      }
      REQUIRE_EQ(sum, sums[bucket]);
    }
    CHECK_FALSE(keys.empty());
  }
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
    const auto here = entities_in_bucket(*one, Table::subscriptions, bucket);
    const auto there = entities_in_bucket(*other, Table::subscriptions, bucket);
    std::set<std::string> known;
    for (const EntityHash& entity : here) known.insert(entity.key);
    for (const EntityHash& entity : there) {
      if (!known.contains(entity.key)) different.push_back(entity.key);
    }
  }
  CHECK_EQ(different, std::vector<std::string>{"client c1 odd/one"});
}

}  // namespace tandem::core::test
