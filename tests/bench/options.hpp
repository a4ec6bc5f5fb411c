// What one run of tandem-load does. One documented struct, filled once from the command line.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem::bench {

enum class Scenario {
  pairs,    // publisher i -> subscriber i, each pair its own topic
  fanout,   // one publisher -> all subscribers
  fanin,    // all publishers -> one subscriber (wildcard)
  shared,   // all publishers -> one shared subscription with as many members
  offline,  // durable subscribers away while messages come in, then back to drain them
  idle,     // connections that do nothing
  storm,    // clients that all connect at one moment; durable: to sessions that are there
};

// A process whose CPU and memory are the broker's; several for a mirrored pair.
struct Process {
  std::string name;
  pid_t pid = 0;
  bool counted = true;  // in the totals; false: only shown by itself, as the standby of a pair
};

struct LoadOptions {
  Scenario scenario = Scenario::pairs;
  std::string label = "broker";  // goes into the report
  std::string host = "127.0.0.1";
  uint16_t port = 1883;
  uint32_t count = 50;  // pairs, publishers, subscribers or idle connections
  uint8_t qos = 0;
  bool durable = false;  // subscribers have persistent sessions
  uint8_t version = 4;   // 4 = MQTT 3.1.1, 5 = MQTT 5
  uint32_t payload_bytes = 64;
  uint32_t window = 100;        // unacknowledged and undelivered messages a publisher may have, saturated
  double rate = 0;              // messages published a second in all; 0 = saturated
  double seconds = 5;           // measured time
  double warmup_s = 1;          // before it
  uint64_t messages = 100'000;  // offline: how many in all
  std::vector<Process> brokers;
  std::string case_name;  // goes into the report, for tables: several runs may share a scenario
  uint32_t round = 0;     // the same
  bool json = false;      // one line of JSON instead of text
  bool strict = false;    // exit 3 if a QoS 1 or 2 message was lost, doubled or reordered, or a QoS 2 one doubled
};

const char* name_of(Scenario scenario);

// Options, or nothing with the exit code to leave with (help and errors are already printed).
std::optional<LoadOptions> parse_options(int argc, char** argv, int& exit_code);

}  // namespace tandem::bench
