// Publishers and subscribers connected all the time: warm up, measure, let everything arrive, count the
// losses.
#include <algorithm>

#include "tests/bench/runs.hpp"

namespace tandem::bench {

namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t longest_wait_ns = second_ns / 10;

void must_turn(Fleet& fleet, int64_t wait_ns) {
  if (!fleet.turn(wait_ns)) throw test::ClientError(test::ClientError::Kind::closed, fleet.broken());
}

void turn_until(Fleet& fleet, int64_t end_ns) {
  for (int64_t now = monotonic_ns(); now < end_ns; now = monotonic_ns()) {
    must_turn(fleet, std::min(longest_wait_ns, end_ns - now));
  }
}

// Until all has arrived, or nothing has moved for 2 s.
void drain(Fleet& fleet) {
  uint64_t progress = 0;
  int64_t moved_ns = monotonic_ns();
  while (!fleet.all_delivered() || !fleet.all_acknowledged()) {
    must_turn(fleet, longest_wait_ns);
    uint64_t now_at = fleet.counters().delivered + fleet.counters().acknowledged;
    if (now_at != progress) moved_ns = monotonic_ns();
    progress = now_at;
    if (monotonic_ns() - moved_ns > 2 * second_ns) return;
  }
}

}  // namespace

Report run_live(const LoadOptions& options) {
  raise_descriptor_limit();
  Fleet fleet(options);
  fleet.connect_subscribers();
  fleet.connect_publishers();
  fleet.start_sending(0, true);
  turn_until(fleet, monotonic_ns() + static_cast<int64_t>(options.warmup_s * 1e9));

  fleet.measure_latency(true);
  Counters first = fleet.counters();
  int64_t own_first_ns = own_cpu_ns();
  std::vector<ProcessSample> before = sample_processes(options.brokers);
  int64_t start_ns = monotonic_ns();
  turn_until(fleet, start_ns + static_cast<int64_t>(options.seconds * 1e9));
  int64_t end_ns = monotonic_ns();
  std::vector<ProcessSample> after = sample_processes(options.brokers);
  int64_t own_ns = own_cpu_ns() - own_first_ns;
  Counters last = fleet.counters();
  fleet.measure_latency(false);

  fleet.stop_sending();
  drain(fleet);
  double seconds = static_cast<double>(end_ns - start_ns) / 1e9;
  uint64_t delivered = last.delivered - first.delivered;
  Report report = report_of(options);
  report["window"] = fleet.window();
  report["seconds"] = rounded(seconds);
  report["delivered"] = delivered;
  report["delivered_per_s"] = std::round(static_cast<double>(delivered) / seconds);
  report["published_per_s"] = std::round(static_cast<double>(last.published - first.published) / seconds);
  add_cpu(report, "cpu_us", options.brokers, before, after, delivered);
  report["load_cpu_us"] =
      rounded(static_cast<double>(own_ns) / 1000 / static_cast<double>(std::max<uint64_t>(delivered, 1)));
  report["load_busy"] = rounded(static_cast<double>(own_ns) / static_cast<double>(end_ns - start_ns));
  add_latency(report, fleet.latency());
  add_losses(report, fleet);
  fleet.remove_sessions();
  return report;
}

}  // namespace tandem::bench
