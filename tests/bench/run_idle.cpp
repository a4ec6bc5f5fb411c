// Connections that do nothing: how fast they come in and how much memory each holds.
#include <unistd.h>

#include <cmath>

#include "tests/bench/runs.hpp"

namespace tandem::bench {

namespace {

// Sockets that are ours to close, however the run ends.
class Sockets {
 public:
  ~Sockets() {
    for (int fd : fds_) ::close(fd);
  }
  void add(int fd) { fds_.push_back(fd); }

 private:
  std::vector<int> fds_;
};

int connect_idle(const LoadOptions& options, uint32_t index) {
  test::ClientOptions settings;
  settings.host = options.host;
  settings.port = options.port;
  settings.connect.version = options.version;
  settings.connect.client_id = "idle-" + std::to_string(::getpid()) + "-" + std::to_string(index);
  settings.connect.keepalive_s = 65535;
  test::Client client(settings);
  client.connect();
  std::string unread;
  return client.release(unread);
}

}  // namespace

Report run_idle(const LoadOptions& options) {
  raise_descriptor_limit();
  Sockets sockets;
  // One connection first: what the first of anything costs is not the price of each.
  sockets.add(connect_idle(options, 0));
  std::vector<ProcessSample> before = sample_processes(options.brokers);
  int64_t start_ns = monotonic_ns();
  for (uint32_t i = 1; i <= options.count; ++i) sockets.add(connect_idle(options, i));
  int64_t took_ns = monotonic_ns() - start_ns;
  std::vector<ProcessSample> after = sample_processes(options.brokers);

  Report report = report_of(options);
  report["connects_per_s"] = std::round(options.count * 1e9 / static_cast<double>(took_ns));
  add_cpu(report, "connect_us", options.brokers, before, after, options.count);
  if (!before.empty()) {
    int64_t grown = rss_growth(options.brokers, before, after);
    report["rss_bytes_per_connection"] = rounded(static_cast<double>(grown) / options.count);
  }
  return report;
}

}  // namespace tandem::bench
