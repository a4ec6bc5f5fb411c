// The status as metrics for Prometheus (text format 0.0.4). Pure: a report in, text out. What each metric means:
// docs/metrics.md, which a test holds against this. Names are an interface: they are added to, never renamed.
#pragma once

#include <string>

#include "admin/status.hpp"

namespace tandem::admin {

// The answer's Content-Type.
inline constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";

// A metric whose value is not known, or that a single box does not have, keeps its HELP and TYPE and has no sample.
std::string to_metrics(const StatusReport& report);

}  // namespace tandem::admin
