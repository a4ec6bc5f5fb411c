// The outcome of one run as one JSON object; for people it is printed as lines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/fleet.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/options.hpp"
#include "tests/bench/process.hpp"

namespace tandem::bench {

using Report = nlohmann::ordered_json;

// What was asked for.
Report report_of(const LoadOptions& options);

// CPU of the broker processes between two looks, divided by `messages`: in all, per process and per thread
// name.
void add_cpu(Report& report, const std::string& key, const std::vector<Process>& processes,
             const std::vector<ProcessSample>& before, const std::vector<ProcessSample>& after, uint64_t messages);

// How much the memory of the counted processes grew.
int64_t rss_growth(const std::vector<Process>& processes, const std::vector<ProcessSample>& before,
                   const std::vector<ProcessSample>& after);

// Percentiles in microseconds.
void add_latency(Report& report, const Histogram& latency);

void add_losses(Report& report, const Fleet& fleet);

// Rounds to three decimals: JSON lines for eyes too.
double rounded(double value);

std::string as_text(const Report& report);

}  // namespace tandem::bench
