// The simulation: production nodes against everything that can go wrong.
//   sim_test --seed N            one seed, with its story
//   sim_test --seeds N [--first F] [--jobs J] [--replay FILE]
// The last line says seeds, simulated time, faults by kind and violations.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/journal.hpp"
#include "world.hpp"

namespace {

struct Sum {
  std::uint64_t seeds = 0;
  std::uint64_t violations = 0;
  std::uint64_t first_violation = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t messages = 0;
  std::uint64_t acked = 0;
  std::uint64_t merged = 0;
  std::uint64_t duplicates = 0;
  std::map<std::string, std::uint64_t> faults;
};

void add(Sum& sum, const sim::Result& result, std::uint64_t seed) {
  ++sum.seeds;
  if (!result.violation.empty()) {
    if (sum.violations++ == 0) sum.first_violation = seed;
  }
  sum.simulated_ms += static_cast<std::uint64_t>(result.simulated_ms);
  sum.messages += result.messages;
  sum.acked += result.acked;
  sum.merged += result.merged;
  sum.duplicates += result.permitted_duplicates;
  for (const auto& [kind, count] : result.faults) sum.faults[kind] += count;
}

void play(Sum& sum, std::uint64_t seed, bool trace, std::uint64_t stories, const std::string& watched = {}) {
  const sim::Result result = sim::World(seed, trace, watched).run();
  add(sum, result, seed);
  if (result.violation.empty()) return;
  if (trace || sum.violations <= stories) {
    std::printf("%s", result.story.c_str());
    std::printf("reproduce: sim_test --seed %llu\n", static_cast<unsigned long long>(seed));
  }
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), result.violation.c_str());
  std::fflush(stdout);
}

// One line a worker, read by the parent.
std::string encode(const Sum& sum) {
  std::ostringstream out;
  out << sum.seeds << ' ' << sum.violations << ' ' << sum.first_violation << ' ' << sum.simulated_ms << ' '
      << sum.messages << ' ' << sum.acked << ' ' << sum.merged << ' ' << sum.duplicates;
  for (const auto& [kind, count] : sum.faults) out << '\n' << kind << '\t' << count;
  return out.str();
}

void merge(Sum& sum, const std::string& text) {
  std::istringstream in(text);
  Sum one;
  in >> one.seeds >> one.violations >> one.first_violation >> one.simulated_ms >> one.messages >> one.acked >>
      one.merged >> one.duplicates;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) sum.faults[line.substr(0, tab)] += std::stoull(line.substr(tab + 1));
  }
  sum.seeds += one.seeds;
  if (one.violations > 0 && (sum.violations == 0 || one.first_violation < sum.first_violation)) {
    sum.first_violation = one.first_violation;
  }
  sum.violations += one.violations;
  sum.simulated_ms += one.simulated_ms;
  sum.messages += one.messages;
  sum.acked += one.acked;
  sum.merged += one.merged;
  sum.duplicates += one.duplicates;
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(descriptor, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(descriptor);
  return text;
}

// Seeds are dealt to `jobs` processes. False: one of them died.
bool run_in_parallel(Sum& sum, const std::vector<std::uint64_t>& seeds, unsigned jobs, bool stop_at_first) {
  std::vector<std::pair<pid_t, int>> workers;
  for (unsigned job = 0; job < jobs; ++job) {
    int ends[2];
    if (::pipe(ends) != 0) return false;
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      Sum own;
      for (std::size_t i = job; i < seeds.size(); i += jobs) {
        play(own, seeds[i], false, 1);
        if (stop_at_first && own.violations > 0) break;
      }
      const std::string text = encode(own);
      const bool told = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
      std::fflush(stdout);
      ::_exit(told ? 0 : 1);
    }
    ::close(ends[1]);
    workers.emplace_back(child, ends[0]);
  }
  bool all = true;
  for (const auto& [child, descriptor] : workers) {
    merge(sum, read_all(descriptor));
    int status = 0;
    ::waitpid(child, &status, 0);
    all = all && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return all;
}

std::vector<std::uint64_t> seeds_of(const std::string& file) {
  std::vector<std::uint64_t> seeds;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') seeds.push_back(std::stoull(line));
  }
  return seeds;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Simulates the pair"};
  std::uint64_t seed = 0;
  std::uint64_t count = 2'000;
  std::uint64_t first = 0;
  unsigned jobs = 2;
  bool stop_at_first = false;
  std::string replay;
  std::string watched;
  app.add_option("--seed", seed, "only this one, with its story");
  app.add_option("--watch", watched, "with --seed: tell what happens to this message, as in pub0-12");
  app.add_option("--seeds", count, "how many");
  app.add_option("--first", first, "the first of them; else one that follows from the time");
  app.add_option("--jobs", jobs, "processes");
  app.add_option("--replay", replay, "a file of seeds that run first");
  app.add_flag("--stop-at-first", stop_at_first, "end at the first violation");
  CLI11_PARSE(app, argc, argv);
  tandem::journal::open("sim", tandem::journal::Level::error);

  Sum sum;
  bool all = true;
  if (seed != 0) {
    play(sum, seed, true, 1, watched);
  } else {
    if (first == 0) first = static_cast<std::uint64_t>(std::time(nullptr)) * 1'000;
    std::vector<std::uint64_t> seeds = seeds_of(replay);
    for (std::uint64_t i = 0; i < count; ++i) seeds.push_back(first + i);
    std::printf("seeds %llu to %llu, and %zu that failed once\n", static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(first + count - 1), seeds.size() - count);
    std::fflush(stdout);
    all = run_in_parallel(sum, seeds, jobs, stop_at_first);
  }
  std::string faults;
  for (const auto& [kind, number] : sum.faults)
    faults += (faults.empty() ? "" : ", ") + kind + " " + std::to_string(number);
  if (!all) std::printf("a worker died\n");
  std::printf(
      "%llu seeds, %.1f simulated hours, %llu messages (%llu acknowledged), %llu merges, %llu permitted "
      "duplicates; faults: %s; violations: %llu\n",
      static_cast<unsigned long long>(sum.seeds), static_cast<double>(sum.simulated_ms) / 3'600'000.0,
      static_cast<unsigned long long>(sum.messages), static_cast<unsigned long long>(sum.acked),
      static_cast<unsigned long long>(sum.merged), static_cast<unsigned long long>(sum.duplicates), faults.c_str(),
      static_cast<unsigned long long>(sum.violations));
  return sum.violations == 0 && all ? 0 : 1;
}
