// The kinds of runs. Each connects, measures, cleans up and reports; throws test::ClientError if the broker
// fails it.
#pragma once

#include "tests/bench/report.hpp"

namespace tandem::bench {

Report run_live(const LoadOptions& options);     // pairs, fanout, fanin, shared
Report run_offline(const LoadOptions& options);  // queue in, queue out
Report run_idle(const LoadOptions& options);     // memory of connections
Report run_storm(const LoadOptions& options);    // all connect at one moment

}  // namespace tandem::bench
