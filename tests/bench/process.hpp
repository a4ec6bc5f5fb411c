// CPU time and memory of other processes, from /proc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/options.hpp"

namespace tandem::bench {

// One look at a process. Times are nanoseconds since its start. A process that is gone reads as zeros.
struct ProcessSample {
  int64_t cpu_ns = 0;     // all threads; exact (schedstat) where the kernel has it
  int64_t user_ns = 0;    // 10 ms steps (stat)
  int64_t system_ns = 0;  // 10 ms steps (stat)
  int64_t rss_bytes = 0;
  std::map<std::string, int64_t> threads_ns;  // by thread name; threads of one name are added up
};

ProcessSample sample_process(pid_t pid);
std::vector<ProcessSample> sample_processes(const std::vector<Process>& processes);

// CPU time of this process so far.
int64_t own_cpu_ns();

int64_t monotonic_ns();

// As many open files as this process may have.
void raise_descriptor_limit();

}  // namespace tandem::bench
