// A connect storm: how long until all are in, how long each waits, and what it costs the broker. With --durable the
// clients come back to sessions (one subscription each), as after a takeover.
#include <unistd.h>

#include "tests/bench/runs.hpp"
#include "tests/bench/storm.hpp"

namespace tandem::bench {

Report run_storm(const LoadOptions& options) {
  raise_descriptor_limit();
  Storm storm(options, std::to_string(::getpid()));
  if (options.durable) {
    storm.come({.round = 1, .clean = false, .subscribe = true, .paced = true});
    storm.leave();
  }
  std::vector<ProcessSample> before = sample_processes(options.brokers);
  storm.come({.round = 2, .clean = !options.durable, .subscribe = false, .paced = false});
  std::vector<ProcessSample> after = sample_processes(options.brokers);

  Report report = report_of(options);
  report["storm_s"] = rounded(static_cast<double>(storm.took_ns()) / 1e9);
  add_cpu(report, "connect_us", options.brokers, before, after, options.count);
  add_latency(report, storm.latency());
  report["accepted"] = storm.accepted();
  report["returned"] = storm.returned();
  report["failed"] = storm.failed();
  storm.leave();
  if (options.durable) {
    storm.come({.round = 3, .clean = true, .subscribe = false, .paced = true});
    storm.leave();
  }
  return report;
}

}  // namespace tandem::bench
