// One tandemd as a real process: its configuration, its life and what it says about itself; and two as a
// pair.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/client/client.hpp"
#include "tests/pair/process.hpp"
#include "tests/pair/tcp_relay.hpp"

namespace tandem::test {

// What `status` says of one box.
struct BoxStatus {
  std::string name;
  std::string role;
  std::string mode;
  std::string digest;
  uint64_t lsn = 0;
  uint64_t sessions = 0;
};

struct NodeStatus {
  bool is_protected = false;
  BoxStatus self;
  BoxStatus peer;
  std::vector<bool> paths_up;
  uint64_t alone_from = 0;
  uint64_t acked_alone = 0;
  std::string text;  // the whole answer
};

struct NodeOptions {
  std::string name = "boxa";
  std::string address = "127.0.0.1";   // of the listener
  uint16_t port = 0;                   // MQTT
  uint16_t websocket_port = 0;         // MQTT over WebSocket, on 127.0.0.1; 0: none
  std::vector<uint16_t> mirror_ports;  // one a path; none: a single broker
  std::vector<uint16_t> peer_mirror_ports;
  std::string peer_name;
  std::string security_lines = "allow_anonymous = true\n";
  // More lines of these tables.
  std::string websocket_lines;
  std::string mirror_lines;
  std::string takeover_lines;
  std::string store_lines;
  std::string limits_lines;
  std::string mqtt_lines;
  uint16_t http_port = 0;  // 0: no HTTP
  std::string arbiter = "heartbeat";
  std::string program = "tandemd";    // of the build's bin folder
  std::string data_dir;               // empty: a folder of its name
  std::vector<std::string> launcher;  // what stands before the program: `ip netns exec NAME`
};

class Node {
 public:
  Node(const Folder& folder, NodeOptions options);

  const std::string& name() const { return options_.name; }
  NodeOptions& options() { return options_; }  // changes hold after write_config()
  std::string data_dir() const { return options_.data_dir.empty() ? folder_ + "/" + options_.name : options_.data_dir; }
  uint16_t port() const { return options_.port; }
  Endpoint endpoint() const { return {"127.0.0.1", options_.port}; }
  Process& process() { return process_; }
  std::string journal() const { return read_text_file(folder_ + "/" + options_.name + ".log"); }

  void write_config();
  void start();
  // Throws if the process has ended by itself: a crash must not pass for one of our kills.
  void check_running();
  // SIGKILL; returns when the process is gone. Checks as above.
  void kill();
  void pause() { process_.signal(SIGSTOP); }
  void resume() { process_.signal(SIGCONT); }
  // SIGTERM; the exit code.
  int stop();
  // Nothing if it does not answer.
  std::optional<NodeStatus> status() const;
  bool is_active() const;
  uint64_t sessions() const;  // durable ones; throws if it does not answer
  // `tandemctl --socket ... ARGUMENTS`, with `input` as standard input.
  Ran control(const std::vector<std::string>& arguments, const std::string& input = {}) const;

 private:
  std::string folder_;
  NodeOptions options_;
  Process process_;
};

struct PairOptions {
  bool shared_port = true;  // false: each node its own, as with two addresses that clients know
  std::string durability = "peer";
  std::string security_lines = "allow_anonymous = true\n";
  std::string mirror_lines;
  std::string takeover_lines;
  std::string store_lines;
  std::string limits_lines;
  size_t paths = 1;
  bool cables = false;  // the mirror connections go through relays: cable(path)
};

// Both directions of one path.
class Cable {
 public:
  Cable(uint16_t port_a, uint16_t port_b) : to_a_(port_a), to_b_(port_b) {}
  uint16_t port_to_a() const { return to_a_.port(); }
  uint16_t port_to_b() const { return to_b_.port(); }
  uint64_t bytes() const { return to_a_.bytes() + to_b_.bytes(); }
  void cut();
  void stall();
  void restore();

 private:
  TcpRelay to_a_;
  TcpRelay to_b_;
};

class Pair {
 public:
  Pair(const Folder& folder, const PairOptions& options);

  Node& a() { return *a_; }
  Node& b() { return *b_; }
  Node& other(const Node& node) { return &node == a_.get() ? *b_ : *a_; }
  std::vector<Endpoint> endpoints() const;
  Cable& cable(size_t path) { return *cables_.at(path); }

  void start();  // both; returns when protected
  Node& await_active();
  // Both run, the standby holds everything, and their digests agree. Ask only while nobody publishes.
  void await_equal();
  // The active says that the standby is in step.
  void await_protected();

 private:
  std::vector<std::unique_ptr<Cable>> cables_;
  std::unique_ptr<Node> a_;
  std::unique_ptr<Node> b_;
};

// `tandemctl keygen` for these names into FOLDER/keys.
void make_keys(const Folder& folder, const std::vector<std::string>& names);

}  // namespace tandem::test
