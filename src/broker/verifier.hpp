// `tandemctl verify`: the standby compares its State with the active's, first the bucket sums of the digest, then the
// entities of buckets that differ. Frames: docs/formats-mirror.md, kinds 17 and 18. Nothing stops meanwhile: an answer
// counts only if the standby stands at exactly the record for which it was given, else it is asked for again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "core/state.hpp"

namespace tandem::broker {

class Verifier {
 public:
  void start();
  void stop() { step_ = Step::idle; }
  bool running() const { return step_ != Step::idle; }
  // What was found, of the last run that has ended; nothing yet: empty.
  const std::string& result() const { return result_; }
  bool differs() const { return differs_; }

  // Every heartbeat: the question that is due, to be sent to the active.
  std::optional<ByteBuffer> question();
  // State is at `last`. Malformed or late answers are passed over.
  void on_answer(ByteView answer, const core::State& state, Lsn last);

  // The active's side. Nothing: the question is malformed.
  static std::optional<ByteBuffer> answer(ByteView question, const core::State& state, Lsn last);

 private:
  enum class Step : std::uint8_t { idle, sums, entities };
  void take_sums(ByteReader& in, const core::State& state);
  void take_entities(ByteReader& in, const core::State& state);
  void finish(bool differs, std::string result);

  Step step_ = Step::idle;
  std::uint64_t number_ = 0;  // of the question that is open
  unsigned beats_ = 0;        // since it was last sent
  unsigned tries_ = 0;
  Lsn at_;
  std::vector<std::pair<core::Table, std::size_t>> buckets_;  // that differ and are yet to be looked into
  std::string tables_;                                        // that differ, for the result
  std::string found_;                                         // entities that differ
  bool differs_ = false;
  std::string result_;
};

}  // namespace tandem::broker
