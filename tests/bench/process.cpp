// CPU time and memory of other processes, from /proc.
#include "tests/bench/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tandem::bench {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

struct Stat {
  int64_t user_ns = 0;
  int64_t system_ns = 0;
};

// utime and stime: fields 14 and 15, counted after the command name, which may hold spaces and brackets.
Stat read_stat(const std::string& path) {
  std::string text = read_file(path);
  size_t after_name = text.rfind(')');
  if (after_name == std::string::npos) return {};
  std::istringstream in(text.substr(after_name + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) in >> skipped;
  int64_t user = 0;
  int64_t system = 0;
  in >> user >> system;
  int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return {user * tick_ns, system * tick_ns};
}

int64_t thread_cpu_ns(const std::string& task) {
  std::istringstream in(read_file(task + "/schedstat"));
  int64_t on_cpu_ns = 0;
  if (in >> on_cpu_ns) return on_cpu_ns;
  Stat stat = read_stat(task + "/stat");
  return stat.user_ns + stat.system_ns;
}

int64_t clock_ns(clockid_t clock) {
  timespec now = {};
  ::clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

ProcessSample sample_process(pid_t pid) {
  ProcessSample out;
  std::string root = "/proc/" + std::to_string(pid);
  Stat stat = read_stat(root + "/stat");
  out.user_ns = stat.user_ns;
  out.system_ns = stat.system_ns;
  std::istringstream statm(read_file(root + "/statm"));
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  out.rss_bytes = resident_pages * ::sysconf(_SC_PAGESIZE);
  std::error_code gone;  // the process may end while we look
  std::filesystem::directory_iterator tasks(root + "/task", gone);
  for (; !gone && tasks != std::filesystem::directory_iterator(); tasks.increment(gone)) {
    std::string task = tasks->path().string();
    std::string name = read_file(task + "/comm");
    if (!name.empty() && name.back() == '\n') name.pop_back();
    int64_t cpu_ns = thread_cpu_ns(task);
    out.threads_ns[name] += cpu_ns;
    out.cpu_ns += cpu_ns;
  }
  return out;
}

std::vector<ProcessSample> sample_processes(const std::vector<Process>& processes) {
  std::vector<ProcessSample> out;
  for (const Process& process : processes) out.push_back(sample_process(process.pid));
  return out;
}

void raise_descriptor_limit() {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int64_t own_cpu_ns() {
  return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

}  // namespace tandem::bench
