// Digest of State: per table 1,024 bucket sums, kept as entities change. Sums do not depend on order, so two boxes that
// hold the same entities agree however they got there. Compared between the boxes; a mismatch is an alarm.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/feature_level.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"

namespace tandem::core {

enum class Table : std::uint8_t { globals, sessions, subscriptions, queues, messages, retained, wills, access };
inline constexpr std::size_t table_count = 8;
// Those that a box of this feature level knows.
constexpr std::size_t tables_of(std::uint32_t level) {
  return level < 2 ? std::size_t{7} : table_count;
}

class Digest {
 public:
  // `key` chooses the bucket, `content` is the entity's hash (key included).
  void add(Table table, std::uint64_t key, std::uint64_t content) { add_mixed(table, mix64(key), content); }
  void remove(Table table, std::uint64_t key, std::uint64_t content) { remove_mixed(table, mix64(key), content); }
  // The same for a caller that has mix64(key) at hand.
  void add_mixed(Table table, std::uint64_t mixed, std::uint64_t content) { bucket(table, mixed) += content; }
  void remove_mixed(Table table, std::uint64_t mixed, std::uint64_t content) { bucket(table, mixed) -= content; }

  using Sums = std::array<std::uint64_t, limits::digest_buckets>;
  const Sums& sums(Table table) const { return sums_[static_cast<std::size_t>(table)]; }
  static std::size_t bucket_of(std::uint64_t key) { return mix64(key) % limits::digest_buckets; }

  // 64-bit summary of one table, and bytes that hold one summary a table (little-endian, in Table order) for whoever
  // has that feature level.
  std::uint64_t summary(Table table) const {
    const auto& sums = sums_[static_cast<std::size_t>(table)];
    return hash64(ByteView(reinterpret_cast<const char*>(sums.data()), sizeof sums));
  }
  ByteBuffer summaries(std::uint32_t level = feature_level) const {
    ByteBuffer out;
    for (std::size_t t = 0; t < tables_of(level); ++t) ByteWriter(out).u64_le(summary(static_cast<Table>(t)));
    return out;
  }
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  std::uint64_t& bucket(Table table, std::uint64_t mixed) {
    return sums_[static_cast<std::size_t>(table)][mixed % limits::digest_buckets];
  }
  std::array<Sums, table_count> sums_{};
};

const char* table_name(Table table);

}  // namespace tandem::core
