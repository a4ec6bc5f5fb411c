// tandem-bench-table: reads the JSON lines of many interleaved runs of tandem-load (and start.py, steps.py) and prints
// the medians as a Markdown table: one row a measurement, one column a broker, and how the first broker compares with
// each other one, or every broker with the one that is named.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace tandem::bench {

namespace {

using Json = nlohmann::ordered_json;

// One measured quantity: where it is in a report, and what its row is called after the name of the case.
struct Quantity {
  const char* pointer;
  const char* suffix;
  enum class In { all, paced, storm } in;  // which runs it says something about
};

constexpr Quantity quantities[] = {
    {"/cpu_us", ", us CPU", Quantity::In::all},
    {"/latency_us/p50", ", us p50", Quantity::In::paced},
    {"/latency_us/p99", ", us p99", Quantity::In::paced},
    {"/latency_us/p99.9", ", us p99.9", Quantity::In::paced},
    {"/in_us", " in, us CPU", Quantity::In::all},
    {"/out_us", " out, us CPU", Quantity::In::all},
    {"/rss_bytes_per_message", ", RSS bytes a message", Quantity::In::all},
    {"/rss_bytes_per_connection", ", RSS bytes a connection", Quantity::In::all},
    {"/storm_s", ", s until all are in", Quantity::In::storm},
    {"/latency_us/p99", ", us p99 connect to CONNACK", Quantity::In::storm},
    {"/joined_s", ", s until a standby with an empty disk is protected", Quantity::In::all},
    {"/connect_us", ", us CPU a connect", Quantity::In::all},
    {"/rss_bytes_per_session", ", RSS bytes a session", Quantity::In::all},
    {"/rss_bytes_per_queued", ", RSS bytes a queued message", Quantity::In::all},
    {"/start_after_kill_s", ", s from start to CONNACK after kill -9", Quantity::In::all},
    {"/start_after_kill_cpu_s", ", s CPU of that", Quantity::In::all},
    {"/start_after_stop_s", ", s from start to CONNACK after SIGTERM", Quantity::In::all},
};

bool concerns(const Quantity& quantity, const Json& report) {
  if (quantity.in == Quantity::In::paced) return report.value("rate", 0.0) > 0;
  if (quantity.in == Quantity::In::storm) return report.value("scenario", "") == "storm";
  return true;
}

struct Key {
  std::string row;
  std::string label;
  auto operator<=>(const Key&) const = default;
};

struct Table {
  std::vector<std::string> rows;                                      // in order of first appearance
  std::vector<std::string> labels;                                    // the same
  std::map<Key, std::map<int, double>> values;                        // by round
  std::map<Key, std::map<std::string, std::vector<double>>> threads;  // CPU by "process/thread"
  std::map<Key, std::string> faults;
};

void remember(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<double> list_of(const std::map<int, double>& by_round) {
  std::vector<double> out;
  for (const auto& [round, value] : by_round) out.push_back(value);
  return out;
}

void add_threads(Table& table, const Key& key, const Json& report) {
  if (!report.contains("cpu_us_by_process")) return;
  const Json& processes = report["cpu_us_by_process"];
  for (const Json& process : processes) {
    if (!process.contains("threads_us")) continue;
    std::string prefix = processes.size() > 1 ? process["name"].get<std::string>() + "/" : "";
    for (const auto& [name, us] : process["threads_us"].items()) {
      table.threads[key][prefix + name].push_back(us.get<double>());
    }
  }
}

void add_faults(Table& table, const Key& key, const Json& report) {
  bool shared = report.value("scenario", "") == "shared";
  for (const char* fault : {"lost", "duplicates", "reordered", "foreign", "refused", "stalls", "failed",
                            "lost_after_kill", "lost_after_stop"}) {
    uint64_t count = report.value(fault, uint64_t{0});
    if (count == 0 || (shared && std::string(fault) == "reordered")) continue;
    table.faults[key] += " " + std::string(fault) + " " + std::to_string(count);
  }
  double rate = report.value("rate", 0.0);
  double delivered_per_s = report.value("delivered_per_s", rate);
  if (delivered_per_s < 0.98 * rate) {
    table.faults[key] += " only " + std::to_string(static_cast<int64_t>(delivered_per_s)) + " a second";
  }
}

void add_report(Table& table, const Json& report) {
  std::string name = report.value("case", report.value("scenario", "?"));
  std::string label = report.value("label", "?");
  int round = report.value("round", 0);
  remember(table.labels, label);
  add_faults(table, {name, label}, report);
  add_threads(table, {name, label}, report);
  for (const Quantity& quantity : quantities) {
    Json::json_pointer pointer(quantity.pointer);
    if (!report.contains(pointer) || !concerns(quantity, report)) continue;
    std::string row = name + quantity.suffix;
    remember(table.rows, row);
    table.values[{row, label}][round] = report[pointer].get<double>();
  }
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text),
                value >= 100   ? "%.0f"
                : value >= 10  ? "%.1f"
                : value >= 0.1 ? "%.2f"
                               : "%.3f",
                value);
  return text;
}

std::string spread(const std::map<int, double>& by_round) {
  std::vector<double> all = list_of(by_round);
  if (all.empty()) return "-";
  auto [low, high] = std::minmax_element(all.begin(), all.end());
  return number(median(all)) + " (" + number(*low) + "-" + number(*high) + ")";
}

// Ratios are taken within each round, because only neighbours in time are comparable.
std::string ratio(const std::map<int, double>& own, const std::map<int, double>& other) {
  std::map<int, double> ratios;
  for (const auto& [round, value] : own) {
    auto found = other.find(round);
    if (found != other.end() && found->second > 0) ratios[round] = value / found->second;
  }
  return ratios.empty() ? "-" : spread(ratios) + "x";
}

// What is divided by what: the first broker by each other one, or each other one by `against` if that is not empty.
std::vector<std::pair<std::string, std::string>> comparisons(const Table& table, const std::string& against) {
  std::vector<std::pair<std::string, std::string>> out;
  const std::string& reference = against.empty() ? table.labels.front() : against;
  for (const std::string& label : table.labels) {
    if (label == reference) continue;
    out.emplace_back(against.empty() ? reference : label, against.empty() ? label : reference);
  }
  return out;
}

void print_values(Table& table, const std::string& against) {
  std::string head = "| measurement |";
  std::string line = "|---|";
  for (const std::string& label : table.labels) {
    head += " " + label + " |";
    line += "---|";
  }
  auto compared = comparisons(table, against);
  for (const auto& [one, other] : compared) {
    head += " " + one + " / " + other + " |";
    line += "---|";
  }
  std::cout << head << "\n" << line << "\n";
  for (const std::string& row : table.rows) {
    std::cout << "| " << row << " |";
    for (const std::string& label : table.labels) std::cout << " " << spread(table.values[{row, label}]) << " |";
    for (const auto& [one, other] : compared) {
      std::cout << " " << ratio(table.values[{row, one}], table.values[{row, other}]) << " |";
    }
    std::cout << "\n";
  }
}

void print_threads(const Table& table) {
  bool headed = false;
  for (const auto& [key, threads] : table.threads) {
    std::string line;
    size_t busy = 0;
    for (const auto& [name, values] : threads) {
      if (median(values) < 0.005) continue;
      line += (busy++ > 0 ? ", " : "") + name + " " + number(median(values));
    }
    if (busy < 2) continue;
    if (!headed) std::cout << "\nCPU by thread, us a message (medians):\n\n";
    headed = true;
    std::cout << "- " << key.row << ", " << key.label << ": " << line << "\n";
  }
}

void print_faults(const Table& table) {
  if (table.faults.empty()) return;
  std::cout << "\nNot as promised (all rounds):\n\n";
  for (const auto& [key, what] : table.faults) std::cout << "- " << key.row << ", " << key.label << ":" << what << "\n";
}

}  // namespace

int table_main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: tandem-bench-table FILE (JSON lines of tandem-load) [BROKER to compare with]\n");
    return 2;
  }
  std::ifstream in(argv[1]);
  Table table;
  std::string line;
  while (std::getline(in, line)) {
    Json report = Json::parse(line, nullptr, false);
    // What has no label is a note on the machine.
    if (report.is_object() && report.contains("label")) add_report(table, report);
  }
  if (table.labels.empty()) {
    std::fprintf(stderr, "tandem-bench-table: no reports in %s\n", argv[1]);
    return 1;
  }
  std::string against = argc == 3 ? argv[2] : "";
  bool there = std::find(table.labels.begin(), table.labels.end(), against) != table.labels.end();
  print_values(table, there ? against : "");
  print_threads(table);
  print_faults(table);
  return 0;
}

}  // namespace tandem::bench

int main(int argc, char** argv) {
  try {
    return tandem::bench::table_main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem-bench-table: %s\n", error.what());
    return 1;
  }
}
