// Comparing two States over questions and answers: equal, different, out of step, hostile.
#include "broker/verifier.hpp"

#include "core/apply.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::broker;

namespace {

void retain(core::State& state, std::uint64_t lsn, std::string_view topic, std::string_view payload) {
  core::Effects effects;
  core::Applying to{state, lsn, Instant{1'000}, effects};
  core::Published published;
  published.message.topic = topic;
  published.message.payload = payload;
  published.message.qos = mqtt::Qos::at_least_once;
  published.message.retain = true;
  core::apply(to, core::Record(published));
}

// One heartbeat of both boxes; each looks at `slices` slices of its State.
void beat(Verifier& verifier, VerifyAnswers& answers, const core::State& standby, Lsn standby_last,
          const core::State& active, Lsn active_last, int slices = 1'000'000) {
  const auto some = [slices] { return [left = slices]() mutable { return left-- > 0; }; };
  answers.work(active, some());
  verifier.work(standby, some());
  const std::optional<ByteBuffer> question = verifier.question();
  if (!question) return;
  if (const std::optional<ByteBuffer> answer = answers.answer(*question, active, active_last, feature_level))
    verifier.on_answer(*answer, standby, standby_last, feature_level);
}

// Until the run has ended, at most so many beats.
void run(Verifier& verifier, const core::State& standby, Lsn standby_last, const core::State& active, Lsn active_last) {
  VerifyAnswers answers;
  for (int i = 0; i < 1'000 && verifier.running(); ++i)
    beat(verifier, answers, standby, standby_last, active, active_last);
}

}  // namespace

TEST_CASE("equal States agree; a different one is named by table and entity") {
  core::State active;
  core::State standby;
  for (std::uint64_t i = 1; i <= 50; ++i) {
    retain(active, i, "t/" + std::to_string(i), "same");
    retain(standby, i, "t/" + std::to_string(i), "same");
  }
  Verifier verifier;
  verifier.start();
  run(verifier, standby, Lsn{50}, active, Lsn{50});
  CHECK_FALSE(verifier.differs());
  CHECK(verifier.result().find("hold the same") != std::string::npos);

  retain(active, 51, "valve/7", "open");
  retain(standby, 51, "valve/7", "shut");
  retain(active, 52, "pump", "on");
  verifier.start();
  run(verifier, standby, Lsn{52}, active, Lsn{52});
  CHECK(verifier.differs());
  CHECK(verifier.result().find("record 52") != std::string::npos);
  CHECK(verifier.result().find("messages: message 51 on valve/7 (different)") != std::string::npos);
  CHECK(verifier.result().find("retained: pump (only at the active)") != std::string::npos);
}

TEST_CASE("boxes that are never at the same record give up and say so; answers for other questions do not count") {
  const core::State state;
  Verifier verifier;
  verifier.start();
  run(verifier, state, Lsn{5}, state, Lsn{6});
  CHECK_FALSE(verifier.running());
  CHECK(verifier.result().find("try again") != std::string::npos);
}

TEST_CASE("cut and changed frames are passed over") {
  core::State state;
  retain(state, 1, "a", "b");
  Verifier verifier;
  verifier.start();
  const ByteBuffer question = *verifier.question();
  VerifyAnswers answers;
  for (std::size_t size = 0; size < question.size(); ++size) {
    CHECK_FALSE(answers.answer(ByteView(question).substr(0, size), state, Lsn{1}, feature_level).has_value());
  }
  const ByteBuffer answer = *answers.answer(question, state, Lsn{1}, feature_level);
  for (std::size_t size = 0; size < answer.size(); size += 7) {
    verifier.on_answer(ByteView(answer).substr(0, size), state, Lsn{1}, feature_level);
    CHECK(verifier.running());
  }
}

TEST_CASE("a large State is looked at slice by slice, on both boxes; records that come meanwhile do no harm") {
  constexpr std::uint64_t topics = 20'000;
  core::State active;
  core::State standby;
  std::uint64_t lsn = 0;
  const auto both = [&](const std::string& topic, const char* payload) {
    retain(active, ++lsn, topic, payload);
    retain(standby, lsn, topic, payload);
  };
  for (std::uint64_t i = 0; i < topics; ++i) both("t/" + std::to_string(i), "same");
  retain(active, ++lsn, "valve/7", "open");
  retain(standby, lsn, "valve/7", "shut");
  Verifier verifier;
  VerifyAnswers answers;
  verifier.start();
  int beats = 0;
  for (; verifier.running() && beats < 10'000; ++beats) {
    both("t/" + std::to_string(beats * 7), "changed");
    both("new/" + std::to_string(beats), "made");
    beat(verifier, answers, standby, Lsn{lsn}, active, Lsn{lsn}, 10);
  }
  // The message is looked for behind sessions, retained and wills.
  CHECK(beats >= static_cast<int>(topics / (10 * limits::verify_slice_entities)));
  CHECK(verifier.differs());
  CHECK(verifier.result().find("on valve/7 (different)") != std::string::npos);
  CHECK(verifier.result().find("only") == std::string::npos);
}
