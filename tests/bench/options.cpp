// Command line of tandem-load.
#include "tests/bench/options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

namespace tandem::bench {

namespace {

constexpr uint32_t smallest_payload_bytes = 24;  // stamp, sequence number, publisher id: see frames.hpp

const std::map<std::string, Scenario>& scenarios() {
  static const std::map<std::string, Scenario> all = {{"pairs", Scenario::pairs},     {"fanout", Scenario::fanout},
                                                      {"fanin", Scenario::fanin},     {"shared", Scenario::shared},
                                                      {"offline", Scenario::offline}, {"idle", Scenario::idle},
                                                      {"storm", Scenario::storm}};
  return all;
}

// "123" or "name=123".
Process parse_process(const std::string& text, bool counted) {
  size_t equals = text.find('=');
  std::string number = equals == std::string::npos ? text : text.substr(equals + 1);
  try {
    pid_t pid = static_cast<pid_t>(std::stol(number));
    return {equals == std::string::npos ? "broker" : text.substr(0, equals), pid, counted};
  } catch (const std::exception&) {
    throw CLI::ValidationError("--broker-pid", "'" + text + "' is neither PID nor NAME=PID");
  }
}

void check(const LoadOptions& options) {
  if (options.host.rfind("127.", 0) != 0 && options.host != "::1") {
    throw CLI::ValidationError("--host", "only loopback addresses (127.x.x.x or ::1)");
  }
  if (options.version != 4 && options.version != 5) throw CLI::ValidationError("--version", "4 or 5");
  if (options.qos == 0 && options.scenario == Scenario::offline) {
    throw CLI::ValidationError("--qos", "offline queues need QoS 1 or 2");
  }
  if (options.scenario == Scenario::storm && options.host == "::1") {
    throw CLI::ValidationError("--host", "a storm has source addresses of its own: IPv4 only");
  }
}

}  // namespace

const char* name_of(Scenario scenario) {
  for (const auto& [name, value] : scenarios()) {
    if (value == scenario) return name.c_str();
  }
  return "?";
}

std::optional<LoadOptions> parse_options(int argc, char** argv, int& exit_code) {
  LoadOptions out;
  std::vector<std::string> pids;
  std::vector<std::string> watched;
  CLI::App app("MQTT load generator: one thread, loopback only, always ends by itself.", "tandem-load");
  app.add_option("scenario", out.scenario, "pairs, fanout, fanin, shared, offline, idle or storm")
      ->required()
      ->transform(CLI::CheckedTransformer(scenarios()));
  app.add_option("--label", out.label, "name of the broker in the report");
  app.add_option("--host", out.host, "loopback address of the broker")->capture_default_str();
  app.add_option("--port", out.port, "its port")->capture_default_str();
  app.add_option("--count", out.count, "pairs, publishers, subscribers or idle connections")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--qos", out.qos, "of publishers and subscriptions")->check(CLI::Range(0, 2));
  app.add_flag("--durable", out.durable, "subscribers have persistent sessions");
  app.add_option("--mqtt", out.version, "4 (MQTT 3.1.1) or 5")->capture_default_str();
  app.add_option("--payload", out.payload_bytes, "bytes")
      ->check(CLI::Range(smallest_payload_bytes, 1'000'000U))
      ->capture_default_str();
  app.add_option("--window", out.window, "messages a publisher may have unacknowledged or undelivered")
      ->check(CLI::Range(1, 30'000))
      ->capture_default_str();
  app.add_option("--rate", out.rate, "messages a second in all; 0 = as fast as the window lets")
      ->check(CLI::Range(0.0, 10e6));
  app.add_option("--seconds", out.seconds, "measured time")->check(CLI::Range(0.1, 3600.0))->capture_default_str();
  app.add_option("--warmup", out.warmup_s, "seconds before it")->check(CLI::Range(0.0, 600.0))->capture_default_str();
  app.add_option("--messages", out.messages, "offline: messages in all")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  app.add_option("--broker-pid", pids, "PID or NAME=PID whose CPU and memory count; repeat it for several");
  app.add_option("--watch-pid", watched, "the same, shown by itself but not in the totals: the standby of a pair");
  app.add_option("--case", out.case_name, "name of this measurement in the report");
  app.add_option("--round", out.round, "its round in the report");
  app.add_flag("--json", out.json, "one line of JSON");
  app.add_flag("--strict", out.strict, "exit 3 if the promise of the QoS was broken");
  try {
    app.parse(argc, argv);
    for (const std::string& pid : pids) out.brokers.push_back(parse_process(pid, true));
    for (const std::string& pid : watched) out.brokers.push_back(parse_process(pid, false));
    check(out);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return out;
}

}  // namespace tandem::bench
