// tandem-microbench: what the parts of the hot path cost, each over a range of sizes (Google Benchmark's own options;
// tests/bench/micro/run.sh gives them). Memory is bounded: beyond it an allocation fails, and with it the run.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "base/check.hpp"
#include "tests/bench/micro/curves.hpp"

int main(int count, char** words) {
  constexpr rlim_t memory_bytes = rlim_t{4} << 30;
  const rlimit limit{memory_bytes, memory_bytes};
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  tandem::micro::Stage stage;
  tandem::micro::register_codec(stage);
  tandem::micro::register_matching(stage);
  tandem::micro::register_retained(stage);
  tandem::micro::register_queued(stage);
  tandem::micro::register_sessions(stage);
  tandem::micro::register_records(stage);
  tandem::micro::register_gate(stage);
  tandem::micro::register_turn(stage);
  tandem::micro::register_image(stage);
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
