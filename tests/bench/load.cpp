// tandem-load: puts load on an MQTT broker of this machine and reports what it delivered and what that cost.
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tests/bench/runs.hpp"

namespace tandem::bench {

namespace {

constexpr unsigned slack_s = 90;  // set-up, draining and cleaning up

void out_of_time(int) {
  static constexpr char text[] = "tandem-load: out of time, giving up\n";
  (void)!::write(STDERR_FILENO, text, sizeof(text) - 1);
  ::_exit(4);
}

// The last resort: whatever the broker does, the run ends.
void end_by_itself(const LoadOptions& options) {
  std::signal(SIGALRM, out_of_time);
  auto seconds = static_cast<unsigned>(options.seconds + options.warmup_s);
  seconds += options.count / 50;  // a slow broker drains as many windows
  if (options.scenario == Scenario::offline) seconds += static_cast<unsigned>(options.messages / 10'000);
  if (options.scenario == Scenario::storm) seconds += 2 * 60;  // each of its three phases may take as long
  ::alarm(seconds + slack_s);
}

Report run(const LoadOptions& options) {
  switch (options.scenario) {
    case Scenario::offline:
      return run_offline(options);
    case Scenario::idle:
      return run_idle(options);
    case Scenario::storm:
      return run_storm(options);
    default:
      return run_live(options);
  }
}

bool promise_kept(const LoadOptions& options, const Report& report) {
  if (options.scenario == Scenario::storm) {
    return report.at("failed") == 0 && (!options.durable || report.at("returned") == options.count);
  }
  if (options.scenario == Scenario::idle || options.qos == 0) return true;
  bool ordered = options.scenario == Scenario::shared || report.at("reordered") == 0;
  return report.at("lost") == 0 && ordered && report.at("foreign") == 0 &&
         (options.qos == 1 || report.at("duplicates") == 0);
}

}  // namespace

int load_main(int argc, char** argv) {
  int exit_code = 0;
  std::optional<LoadOptions> options = parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  end_by_itself(*options);
  try {
    Report report = run(*options);
    std::puts(options->json ? report.dump().c_str() : as_text(report).c_str());
    return options->strict && !promise_kept(*options, report) ? 3 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem-load: %s\n", error.what());
    return 1;
  }
}

}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::load_main(argc, argv);
}
