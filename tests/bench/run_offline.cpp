// Durable subscribers are away while messages are queued for them; then they return and drain their queues.
#include <algorithm>
#include <cmath>

#include "tests/bench/runs.hpp"

namespace tandem::bench {

namespace {

constexpr int64_t second_ns = 1'000'000'000;

// Turns until `done`, or until nothing has moved for 10 s: a broker that drops messages must not hold us for
// ever.
template <class Done>
void turn_until(Fleet& fleet, Done&& done) {
  uint64_t progress = 0;
  int64_t moved_ns = monotonic_ns();
  while (!done()) {
    if (!fleet.turn(second_ns / 10)) throw test::ClientError(test::ClientError::Kind::closed, fleet.broken());
    uint64_t now_at = fleet.counters().delivered + fleet.counters().acknowledged;
    if (now_at != progress) moved_ns = monotonic_ns();
    progress = now_at;
    if (monotonic_ns() - moved_ns > 10 * second_ns) return;
  }
}

// What the broker still does after the last acknowledgement (storing, confirming) belongs to the messages as
// well.
void settle(Fleet& fleet) {
  for (int64_t end_ns = monotonic_ns() + second_ns / 2; monotonic_ns() < end_ns;) fleet.turn(second_ns / 20);
}

double per_second(uint64_t count, int64_t ns) {
  return std::round(static_cast<double>(count) * 1e9 / static_cast<double>(std::max<int64_t>(ns, 1)));
}

}  // namespace

Report run_offline(const LoadOptions& given) {
  LoadOptions options = given;
  options.durable = true;
  options.rate = 0;
  uint64_t messages = std::max<uint64_t>(options.messages / options.count, 1) * options.count;
  Fleet fleet(options);
  fleet.connect_subscribers();
  fleet.disconnect_subscribers();
  fleet.connect_publishers();

  std::vector<ProcessSample> empty = sample_processes(options.brokers);
  int64_t start_ns = monotonic_ns();
  fleet.start_sending(messages, false);
  turn_until(fleet, [&] { return fleet.sent_all() && fleet.all_acknowledged(); });
  int64_t in_ns = monotonic_ns() - start_ns;
  fleet.stop_sending();
  settle(fleet);
  std::vector<ProcessSample> full = sample_processes(options.brokers);

  start_ns = monotonic_ns();
  fleet.reconnect_subscribers();
  turn_until(fleet, [&] { return fleet.all_delivered(); });
  int64_t out_ns = monotonic_ns() - start_ns;
  settle(fleet);
  std::vector<ProcessSample> drained = sample_processes(options.brokers);

  Report report = report_of(options);
  report["window"] = fleet.window();
  report["messages"] = messages;
  report["delivered"] = fleet.counters().delivered;
  report["in_per_s"] = per_second(messages, in_ns);
  report["out_per_s"] = per_second(fleet.counters().delivered, out_ns);
  add_cpu(report, "in_us", options.brokers, empty, full, messages);
  add_cpu(report, "out_us", options.brokers, full, drained, fleet.counters().delivered);
  if (!empty.empty()) {
    int64_t grown = rss_growth(options.brokers, empty, full);
    report["rss_bytes_per_message"] = rounded(static_cast<double>(grown) / static_cast<double>(messages));
  }
  add_losses(report, fleet);
  fleet.remove_sessions();
  return report;
}

}  // namespace tandem::bench
