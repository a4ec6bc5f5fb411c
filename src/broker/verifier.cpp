#include "broker/verifier.hpp"

#include <map>

#include "core/digest.hpp"
#include "core/entities.hpp"

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

}  // namespace

void Verifier::start() {
  step_ = Step::sums;
  ++number_;
  beats_ = tries_ = 0;
  buckets_.clear();
  tables_.clear();
  found_.clear();
  result_.clear();
  differs_ = false;
}

void Verifier::finish(bool differs, std::string result) {
  step_ = Step::idle;
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

std::optional<ByteBuffer> Verifier::answer(ByteView question, const core::State& state, Lsn last) {
  ByteReader in(question);
  const std::uint8_t asked_version = in.u8();
  const std::uint64_t number = in.u64_le();
  const std::uint8_t about = in.u8();
  ByteBuffer bytes;
  ByteWriter out(bytes);
  out.u8(version).u64_le(number).u64_le(last.value).u8(about);
  if (about == about_sums) {
    for (std::size_t t = 0; t < core::table_count; ++t) {
      for (const std::uint64_t sum : state.digest().sums(static_cast<core::Table>(t))) out.u64_le(sum);
    }
  } else {
    const std::uint8_t table = in.u8();
    const std::uint16_t bucket = in.u16_le();
    if (!in.ok() || about != about_entities || table >= core::table_count || bucket >= limits::digest_buckets) {
      return std::nullopt;
    }
    out.u8(table).u16_le(bucket);
    for (const core::EntityHash& entity : core::entities_in_bucket(state, static_cast<core::Table>(table), bucket)) {
      if (bytes.size() > answer_bytes) break;
      out.bytes_varint(ByteView(entity.key).substr(0, key_bytes)).u64_le(entity.hash);
    }
  }
  if (!in.ok() || !in.at_end() || asked_version != version) return std::nullopt;
  return bytes;
}

void Verifier::on_answer(ByteView answer, const core::State& state, Lsn last) {
  ByteReader in(answer);
  const bool known = in.u8() == version && in.u64_le() == number_;
  const Lsn at{in.u64_le()};
  const std::uint8_t about = in.u8();
  if (!in.ok() || !known || at != last) return;
  at_ = at;
  if (step_ == Step::sums && about == about_sums) take_sums(in, state);
  if (step_ == Step::entities && about == about_entities) take_entities(in, state);
}

void Verifier::take_sums(ByteReader& in, const core::State& state) {
  for (std::size_t t = 0; t < core::table_count; ++t) {
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
    finish(false, "Both boxes hold the same: all " + std::to_string(core::table_count) + " tables agree at record " +
                      std::to_string(at_.value) + ".");
    return;
  }
  differs_ = true;
  if (buckets_.size() > buckets_at_most) buckets_.resize(buckets_at_most);
  step_ = Step::entities;
  ++number_;
  beats_ = tries_ = 0;
}

void Verifier::take_entities(ByteReader& in, const core::State& state) {
  const auto [table, bucket] = buckets_.front();
  const bool mine = in.u8() == static_cast<std::uint8_t>(table) && in.u16_le() == bucket;
  std::map<std::string, std::uint64_t> theirs;
  while (mine && in.ok() && !in.at_end()) {
    std::string key(in.bytes_varint());
    const std::uint64_t hash = in.u64_le();
    if (in.ok()) theirs.emplace(std::move(key), hash);
  }
  if (!mine || !in.ok()) return;
  int named = 0;
  const auto name = [&](const std::string& key, const char* how) {
    if (named++ >= names_at_most) return;
    found_ += std::string(found_.empty() ? "" : "; ") + core::table_name(table) + ": " + key + " (" + how + ")";
  };
  for (const core::EntityHash& own : core::entities_in_bucket(state, table, bucket)) {
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
  ++number_;
  beats_ = tries_ = 0;
}

}  // namespace tandem::broker
