// The outcome of one run as one JSON object or as lines.
#include "tests/bench/report.hpp"

#include <cmath>
#include <cstdio>

namespace tandem::bench {

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

Report report_of(const LoadOptions& options) {
  Report out;
  out["label"] = options.label;
  if (!options.case_name.empty()) {
    out["case"] = options.case_name;
    out["round"] = options.round;
  }
  out["scenario"] = name_of(options.scenario);
  out["count"] = options.count;
  out["qos"] = options.qos;
  out["durable"] = options.durable;
  out["mqtt"] = options.version;
  out["payload_bytes"] = options.payload_bytes;
  out["window"] = options.window;
  out["rate"] = options.rate;
  return out;
}

void add_cpu(Report& report, const std::string& key, const std::vector<Process>& processes,
             const std::vector<ProcessSample>& before, const std::vector<ProcessSample>& after, uint64_t messages) {
  double divisor = static_cast<double>(std::max<uint64_t>(messages, 1)) * 1000;
  int64_t all_ns = 0;
  Report list = Report::array();
  for (size_t i = 0; i < processes.size(); ++i) {
    int64_t cpu_ns = after[i].cpu_ns - before[i].cpu_ns;
    int64_t user_ns = after[i].user_ns - before[i].user_ns;
    int64_t system_ns = after[i].system_ns - before[i].system_ns;
    all_ns += processes[i].counted ? cpu_ns : 0;
    Report one;
    one["name"] = processes[i].name;
    one["us"] = rounded(static_cast<double>(cpu_ns) / divisor);
    one["system_share"] =
        rounded(static_cast<double>(system_ns) / static_cast<double>(std::max<int64_t>(1, user_ns + system_ns)));
    one["rss_kb"] = after[i].rss_bytes / 1024;
    for (const auto& [name, ns] : after[i].threads_ns) {
      auto earlier = before[i].threads_ns.find(name);
      int64_t since = ns - (earlier == before[i].threads_ns.end() ? 0 : earlier->second);
      one["threads_us"][name] = rounded(static_cast<double>(since) / divisor);
    }
    list.push_back(one);
  }
  if (processes.empty()) return;
  report[key] = rounded(static_cast<double>(all_ns) / divisor);
  report[key + "_by_process"] = list;
}

int64_t rss_growth(const std::vector<Process>& processes, const std::vector<ProcessSample>& before,
                   const std::vector<ProcessSample>& after) {
  int64_t grown = 0;
  for (size_t i = 0; i < processes.size(); ++i) {
    if (processes[i].counted) grown += after[i].rss_bytes - before[i].rss_bytes;
  }
  return grown;
}

void add_latency(Report& report, const Histogram& latency) {
  auto microseconds = [](uint64_t ns) { return rounded(static_cast<double>(ns) / 1000); };
  report["latency_us"] = {{"p50", microseconds(latency.percentile_ns(0.5))},
                          {"p99", microseconds(latency.percentile_ns(0.99))},
                          {"p99.9", microseconds(latency.percentile_ns(0.999))},
                          {"max", microseconds(latency.max_ns())}};
}

void add_losses(Report& report, const Fleet& fleet) {
  Losses losses = fleet.losses();
  report["lost"] = losses.lost;
  report["duplicates"] = losses.duplicates;
  report["reordered"] = losses.reordered;
  report["refused"] = fleet.counters().refused;
  report["foreign"] = fleet.counters().foreign;
  report["stalls"] = fleet.counters().stalls;
}

std::string as_text(const Report& report) {
  std::string out;
  for (const auto& [key, value] : report.items()) {
    char line[64];
    std::snprintf(line, sizeof(line), "%-28s ", key.c_str());
    out += line + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  }
  return out;
}

}  // namespace tandem::bench
