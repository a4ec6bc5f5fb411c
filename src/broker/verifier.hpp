// `tandemctl verify`: the standby compares its State with the active's, first the bucket sums of the digest, then the
// entities of buckets that differ. Frames: docs/formats-mirror.md, kinds 17 and 18. Nothing stops meanwhile: an answer
// counts only if the standby stands at exactly the record for which it was given, else it is asked for again. Each box
// finds a bucket's entities over several turns (core::BucketSearch), so that the core never stands still for it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "core/entities.hpp"
#include "core/state.hpp"

namespace tandem::broker {

// The active's side.
class VerifyAnswers {
 public:
  // Nothing: the question is malformed, or the answer takes a while: it is asked again.
  // `level`: what the other box can read.
  std::optional<ByteBuffer> answer(ByteView question, const core::State& state, Lsn last, std::uint32_t level);
  // Every heartbeat: goes on with what the next answer needs, as long as `more` says so.
  void work(const core::State& state, const std::function<bool()>& more);
  void stop() { search_.reset(); }

 private:
  // False: not found yet.
  bool put_entities(core::Table table, std::size_t bucket, const core::State& state, ByteBuffer& bytes);

  std::optional<core::BucketSearch> search_;  // for the bucket that was asked about last
};

class Verifier {
 public:
  void start();
  void stop();
  bool running() const { return step_ != Step::idle; }
  // What was found, of the last run that has ended; nothing yet: empty.
  const std::string& result() const { return result_; }
  bool differs() const { return differs_; }

  // Every heartbeat: the question that is due, to be sent to the active.
  std::optional<ByteBuffer> question();
  // Every heartbeat: goes on with what the next answer is compared with, as long as `more` says so.
  void work(const core::State& state, const std::function<bool()>& more);
  // State is at `last`. Malformed or late answers are passed over, and those that come before the own side is found.
  // `level`: what both boxes can read.
  void on_answer(ByteView answer, const core::State& state, Lsn last, std::uint32_t level);

 private:
  enum class Step : std::uint8_t { idle, sums, entities };
  void take_sums(ByteReader& in, const core::State& state, std::size_t tables);
  // `cut`: the answer's list ends before the bucket does.
  void take_entities(ByteReader& in, const core::State& state, bool cut);
  void next_bucket();
  void finish(bool differs, std::string result);

  Step step_ = Step::idle;
  std::uint64_t number_ = 0;  // of the question that is open
  unsigned beats_ = 0;        // since it was last sent
  unsigned tries_ = 0;
  Lsn at_;
  std::vector<std::pair<core::Table, std::size_t>> buckets_;  // that differ and are yet to be looked into
  std::optional<core::BucketSearch> search_;                  // for the first of them
  std::string tables_;                                        // that differ, for the result
  std::string found_;                                         // entities that differ
  bool differs_ = false;
  std::string result_;
};

}  // namespace tandem::broker
