// Bytes of merge facts: golden vectors (docs/formats.md), and what a box takes from its peer.
#include "core/merge_fact.hpp"

#include "doctest.hpp"
#include "random.hpp"
#include "samples.hpp"

namespace tandem::core::test {

namespace {

ByteBuffer again(const MergeFact& fact) {
  ByteBuffer bytes;
  encode_fact(fact, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("Merge facts have the bytes of the golden vectors, both ways") {
  const auto samples = sample_facts();
  const auto vectors = golden("facts.txt");
  std::string actual;
  for (const auto& [name, bytes] : samples) actual += name + " = " + to_hex(bytes) + "\n";
  INFO(actual);
  REQUIRE_EQ(vectors.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CHECK_EQ(vectors[i].first, samples[i].first);
    CHECK_EQ(to_hex(vectors[i].second), to_hex(samples[i].second));
    const Result<MergeFact> fact = decode_fact(vectors[i].second);
    REQUIRE_MESSAGE(fact.ok(), samples[i].first);
    CHECK_EQ(to_hex(again(fact.value())), to_hex(vectors[i].second));
  }
}

TEST_CASE("A merge fact that is cut, longer, of another kind or version is refused") {
  for (const auto& [name, bytes] : sample_facts()) {
    INFO(name);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(decode_fact(ByteView(bytes).substr(0, size)).ok());
    CHECK_FALSE(decode_fact(bytes + "x").ok());
    ByteBuffer other = bytes;
    other[0] = 77;
    CHECK_FALSE(decode_fact(other).ok());
    other = bytes;
    other[1] = 2;
    CHECK_FALSE(decode_fact(other).ok());
  }
}

TEST_CASE("A merge fact holds no other record than the one of its kind, and no bad topic or filter") {
  ByteBuffer nested("\x05\x01", 2);
  for (const auto& [name, record] : sample_records()) {
    ByteBuffer bytes = nested;
    encode_record(record, bytes);
    CHECK_EQ(decode_fact(bytes).ok(), std::holds_alternative<Connected>(record));
  }
  PublishedFact published;
  published.message.topic = "a/#";
  CHECK_FALSE(decode_fact(again({{}, published})).ok());
  published.message.topic = "a";
  CHECK(decode_fact(again({{}, published})).ok());
  published.audience.clients = {"b", "a"};
  CHECK_FALSE(decode_fact(again({{}, published})).ok());
  CHECK_FALSE(decode_fact(again({{}, SubscribedFact{"c", 0, {{"a/#/b", {}}}}})).ok());
  CHECK_FALSE(decode_fact(again({{}, SubscribedFact{"c", 0, {{"$share/g", {}}}}})).ok());
  CHECK_FALSE(decode_fact(again({{}, ReleasedFact{std::string_view(nested.data(), 0), 1}}).substr(0, 4)).ok());
  CHECK_FALSE(decode_fact(again({{}, QueueLeftFact{"c", Lsn{9}, {{5, 7}, {7, 8}}, {}}})).ok());
  CHECK_FALSE(decode_fact(again({{}, QueueLeftFact{"c", Lsn{9}, {{5, 4}}, {}}})).ok());
  CHECK_FALSE(decode_fact(again({{}, QueueLeftFact{"c", Lsn{9}, {}, {{5, 4}, {5, 6}}}})).ok());
}

TEST_CASE("Damaged merge facts are refused or read as something; applied, they leave a sound State") {
  Random random(11);
  const auto samples = sample_facts();
  State state;
  Effects effects;
  std::uint64_t lsn = 0;
  ForkIndex fork(Lsn{400});
  Policy policy;
  ReconcileVerdict verdict;
  for (int i = 0; i < 30'000; ++i) {
    ByteBuffer bytes = samples[random.below(samples.size())].second;
    for (std::uint64_t k = random.below(4); k != 0; --k) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    const Result<MergeFact> fact = decode_fact(bytes);
    if (!fact.ok()) continue;
    const Origin origin{Epoch{1 + random.below(300), NodeId{1}, 1}, Lsn{random.below(1000)}, Instant{i}, 0};
    decide_reconciled(state, fork, policy, origin, fact.value(), Instant{i}, verdict);
    if (random.one_in(8)) verdict.record.outcome = static_cast<std::uint32_t>(random.below(32));
    Applying to{state, ++lsn, Instant{i}, effects};
    apply(to, verdict.record);
    CHECK(effects.list.empty());
    effects.clear();
  }
  CHECK(recompute_digest(state) == state.digest());
  CHECK_LE(state.globals().merged.size(), max_merged_epochs);
}

TEST_CASE("Ranges of ids") {
  const QueueLeftFact left{"c", Lsn{400}, {{1, 1}, {3, 300}}, {{7, 3}, {9, 5}}};
  CHECK_FALSE(left.holds(0));
  CHECK(left.holds(1));
  CHECK_FALSE(left.holds(2));
  CHECK(left.holds(3));
  CHECK(left.holds(300));
  CHECK_FALSE(left.holds(301));
  CHECK_FALSE(QueueLeftFact{}.holds(1));
  CHECK(left.was_received(9, 5));
  CHECK_FALSE(left.was_received(9, 3));
  CHECK_FALSE(left.was_received(8, 3));
  CHECK_FALSE(QueueLeftFact{}.was_received(0, 0));
}

}  // namespace tandem::core::test
