#include "broker/verifier.hpp"

#include <map>

#include "core/digest.hpp"

namespace tandem::broker {

namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint8_t about_sums = 1;
constexpr std::uint8_t about_entities = 2;
constexpr unsigned beats_between_tries = 4;
constexpr unsigned tries_at_most = 100;
constexpr std::size_t buckets_at_most = 8;  // enough to name the first that differ
constexpr std::size_t key_bytes = 300;
constexpr std::size_t answer_bytes = 192 * 1024;
constexpr int names_at_most = 5;

void go_on(core::BucketSearch& search, const core::State& state, const std::function<bool()>& more) {
  while (!search.done() && more()) search.step(state, limits::verify_slice_entities);
}

// Nothing: the search is not done, or goes on because something came or went unseen.
std::optional<std::vector<core::EntityHash>> found_by(std::optional<core::BucketSearch>& search, core::Table table,
                                                      std::size_t bucket, const core::State& state) {
  if (!search || !search->is_for(table, bucket)) search.emplace(table, bucket);
  if (!search->done()) return std::nullopt;
  std::optional<std::vector<core::EntityHash>> list = search->list(state);
  if (!list) search.emplace(table, bucket);
  return list;
}

}  // namespace

void Verifier::start() {
  step_ = Step::sums;
  ++number_;
  beats_ = tries_ = 0;
  buckets_.clear();
  tables_.clear();
  found_.clear();
  result_.clear();
  search_.reset();
  differs_ = false;
}

void Verifier::stop() {
  step_ = Step::idle;
  search_.reset();
}

void Verifier::finish(bool differs, std::string result) {
  stop();
  differs_ = differs;
  result_ = std::move(result);
}

std::optional<ByteBuffer> Verifier::question() {
  if (step_ == Step::idle || beats_++ % beats_between_tries != 0) return std::nullopt;
  if (++tries_ > tries_at_most) {
    finish(differs_, differs_ ? "The boxes differ in: " + tables_ + ". The entities could not be compared in time."
                              : "The other box did not answer for a record at which this one was as well: try again.");
    return std::nullopt;
  }
  ByteBuffer bytes;
  ByteWriter out(bytes);
  out.u8(version).u64_le(number_).u8(step_ == Step::sums ? about_sums : about_entities);
  if (step_ == Step::entities) {
    out.u8(static_cast<std::uint8_t>(buckets_.front().first));
    out.u16_le(static_cast<std::uint16_t>(buckets_.front().second));
  }
  return bytes;
}

std::optional<ByteBuffer> VerifyAnswers::answer(ByteView question, const core::State& state, Lsn last,
                                                std::uint32_t level) {
  ByteReader in(question);
  const std::uint8_t asked_version = in.u8();
  const std::uint64_t number = in.u64_le();
  const std::uint8_t about = in.u8();
  ByteBuffer bytes;
  ByteWriter out(bytes);
  out.u8(version).u64_le(number).u64_le(last.value).u8(about);
  if (about == about_sums) {
    for (std::size_t t = 0; t < core::tables_of(level); ++t) {
      for (const std::uint64_t sum : state.digest().sums(static_cast<core::Table>(t))) out.u64_le(sum);
    }
  } else {
    const std::uint8_t table = in.u8();
    const std::uint16_t bucket = in.u16_le();
    if (!in.ok() || about != about_entities || table >= core::table_count || bucket >= limits::digest_buckets) {
      return std::nullopt;
    }
    if (!in.at_end() || asked_version != version) return std::nullopt;
    out.u8(table).u16_le(bucket);
    if (!put_entities(static_cast<core::Table>(table), bucket, state, bytes)) return std::nullopt;
  }
  if (!in.ok() || !in.at_end() || asked_version != version) return std::nullopt;
  return bytes;
}

bool VerifyAnswers::put_entities(core::Table table, std::size_t bucket, const core::State& state, ByteBuffer& bytes) {
  const auto list = found_by(search_, table, bucket, state);
  if (!list) return false;
  ByteWriter out(bytes);
  for (const core::EntityHash& entity : *list) {
    if (bytes.size() > answer_bytes) break;
    out.bytes_varint(ByteView(entity.key).substr(0, key_bytes)).u64_le(entity.hash);
  }
  return true;
}

void VerifyAnswers::work(const core::State& state, const std::function<bool()>& more) {
  if (search_) go_on(*search_, state, more);
}

void Verifier::work(const core::State& state, const std::function<bool()>& more) {
  if (search_) go_on(*search_, state, more);
}

void Verifier::on_answer(ByteView answer, const core::State& state, Lsn last, std::uint32_t level) {
  ByteReader in(answer);
  const bool known = in.u8() == version && in.u64_le() == number_;
  const Lsn at{in.u64_le()};
  const std::uint8_t about = in.u8();
  if (!in.ok() || !known || at != last) return;
  at_ = at;
  if (step_ == Step::sums && about == about_sums) take_sums(in, state, core::tables_of(level));
  if (step_ == Step::entities && about == about_entities) take_entities(in, state, answer.size() > answer_bytes);
}

void Verifier::take_sums(ByteReader& in, const core::State& state, std::size_t tables) {
  for (std::size_t t = 0; t < tables; ++t) {
    const core::Table table = static_cast<core::Table>(t);
    const std::size_t before = buckets_.size();
    for (std::size_t bucket = 0; bucket < limits::digest_buckets; ++bucket) {
      const std::uint64_t sum = in.u64_le();
      if (in.ok() && sum != state.digest().sums(table)[bucket]) buckets_.emplace_back(table, bucket);
    }
    if (buckets_.size() != before) tables_ += (tables_.empty() ? "" : ", ") + std::string(core::table_name(table));
  }
  if (!in.ok() || !in.at_end()) return;
  if (buckets_.empty()) {
    finish(false, "Both boxes hold the same: all " + std::to_string(tables) + " tables agree at record " +
                      std::to_string(at_.value) + ".");
    return;
  }
  differs_ = true;
  if (buckets_.size() > buckets_at_most) buckets_.resize(buckets_at_most);
  step_ = Step::entities;
  next_bucket();
}

void Verifier::next_bucket() {
  search_.emplace(buckets_.front().first, buckets_.front().second);
  ++number_;
  beats_ = tries_ = 0;
}

void Verifier::take_entities(ByteReader& in, const core::State& state, bool cut) {
  const auto [table, bucket] = buckets_.front();
  const bool mine = in.u8() == static_cast<std::uint8_t>(table) && in.u16_le() == bucket;
  std::map<std::string, std::uint64_t> theirs;
  while (mine && in.ok() && !in.at_end()) {
    std::string key(in.bytes_varint());
    const std::uint64_t hash = in.u64_le();
    if (in.ok()) theirs.emplace(std::move(key), hash);
  }
  if (!mine || !in.ok()) return;
  const auto list = found_by(search_, table, bucket, state);
  if (!list) return;
  int named = 0;
  const auto name = [&](const std::string& key, const char* how) {
    if (named++ >= names_at_most) return;
    found_ += std::string(found_.empty() ? "" : "; ") + core::table_name(table) + ": " + key + " (" + how + ")";
  };
  const std::string last = cut && !theirs.empty() ? theirs.rbegin()->first : std::string();
  for (const core::EntityHash& own : *list) {
    if (cut && own.key > last) break;
    const auto found = theirs.find(own.key.substr(0, key_bytes));
    if (found == theirs.end()) {
      name(own.key, "only here");
      continue;
    }
    if (found->second != own.hash) name(own.key, "different");
    theirs.erase(found);
  }
  for (const auto& [key, hash] : theirs) name(key, "only at the active");
  buckets_.erase(buckets_.begin());
  if (buckets_.empty()) {
    finish(true, "The boxes differ at record " + std::to_string(at_.value) + " in: " + tables_ +
                     ". First: " + (found_.empty() ? "nothing any more, the difference has gone" : found_) + ".");
    return;
  }
  next_bucket();
}

}  // namespace tandem::broker
