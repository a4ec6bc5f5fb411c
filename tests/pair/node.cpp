// See node.hpp. Status comes over the control socket: a line of JSON each way.
#include "tests/pair/node.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tandem::test {

namespace {

constexpr int answer_ms = 1'000;

// The programs that CMake built with this test, or others of that name in TANDEM_BIN_DIR.
std::string program(const char* name) {
  const char* folder = std::getenv("TANDEM_BIN_DIR");
  return std::string(folder == nullptr ? TANDEM_BUILT_BIN_DIR : folder) + "/" + name;
}

// One line each way; empty if nobody answers in time.
std::string ask(const std::string& socket_path, const std::string& request) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) throw std::runtime_error("too long: " + socket_path);
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  std::string line = request + "\n";
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      ::send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
    char bytes[4096];
    pollfd entry = {fd, POLLIN, 0};
    while (answer.find('\n') == std::string::npos && ::poll(&entry, 1, answer_ms * time_factor()) > 0) {
      ssize_t got = ::recv(fd, bytes, sizeof(bytes), 0);
      if (got <= 0) break;
      answer.append(bytes, static_cast<size_t>(got));
    }
  }
  ::close(fd);
  return answer;
}

BoxStatus box_from(const nlohmann::json& json) {
  BoxStatus box;
  if (!json.is_object()) return box;
  auto text = [&json](const char* key) {
    auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  box.name = text("name");
  box.role = text("role");
  box.mode = text("mode");
  box.digest = text("digest");
  auto number = [&json](const char* key) {
    auto found = json.find(key);
    return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : uint64_t{0};
  };
  box.lsn = number("lsn");
  box.sessions = number("sessions");
  return box;
}

std::string describe(const std::optional<NodeStatus>& status) {
  return status ? status->text : std::string("no answer\n");
}

}  // namespace

void make_keys(const Folder& folder, const std::vector<std::string>& names) {
  std::vector<std::string> command = {program("tandemctl"), "keygen", "--out", folder.file("keys")};
  for (const std::string& name : names) {
    command.push_back("--name");
    command.push_back(name);
  }
  Ran ran = run(command, scaled(Millis(10'000)));
  if (ran.code != 0) throw std::runtime_error("tandemctl keygen: " + ran.output);
}

Node::Node(const Folder& folder, NodeOptions options) : folder_(folder.path()), options_(std::move(options)) {
  write_config();
}

namespace {

// ["127.0.0.1:PORT", ...]
std::string endpoint_list(const std::vector<uint16_t>& ports) {
  std::string text = "[";
  for (uint16_t port : ports) text += (text.size() > 1 ? ", " : "") + ("\"127.0.0.1:" + std::to_string(port)) + "\"";
  return text + "]";
}

// TANDEM_TEST_EDGE_THREADS=2 wire_test: as on a box with more cores than this one.
std::string edge_threads_line() {
  const char* const threads = std::getenv("TANDEM_TEST_EDGE_THREADS");
  return threads == nullptr ? "" : "threads = " + std::string(threads) + "\n";
}

}  // namespace

void Node::write_config() {
  const NodeOptions& o = options_;
  std::string text = "[node]\nname = \"" + o.name + "\"\ndata_dir = \"" + data_dir() + "\"\n" + edge_threads_line() +
                     "[[listener]]\naddress = \"" + o.address + "\"\nport = " + std::to_string(o.port) + "\n" +
                     "[security]\n" + o.security_lines + "[control]\nsocket = \"" + folder_ + "/" + o.name +
                     ".sock\"\n";
  if (o.websocket_port != 0) {
    text += "[[listener]]\naddress = \"127.0.0.1\"\nport = " + std::to_string(o.websocket_port) +
            "\nprotocol = \"websocket\"\n" + o.websocket_lines + "\n";
  }
  if (!o.mirror_ports.empty()) {
    std::string key = read_text_file(folder_ + "/keys/" + o.peer_name + ".pub");
    text += "[mirror]\nlisten = " + endpoint_list(o.mirror_ports) + "\npeer = " + endpoint_list(o.peer_mirror_ports) +
            "\nkey_file = \"" + folder_ + "/keys/" + o.name + ".key\"\npeer_public_key = \"" +
            key.substr(0, key.find('\n')) + "\"\n" + o.mirror_lines + "\n" + "[takeover]\narbiter = \"" + o.arbiter +
            "\"\n" + o.takeover_lines + "\n";
  } else if (!o.takeover_lines.empty()) {
    text += "[takeover]\n" + o.takeover_lines + "\n";
  }
  if (!o.store_lines.empty()) text += "[store]\n" + o.store_lines + "\n";
  if (o.http_port != 0) text += "[http]\nport = " + std::to_string(o.http_port) + "\n";
  if (!o.limits_lines.empty()) text += "[limits]\n" + o.limits_lines + "\n";
  if (!o.mqtt_lines.empty()) text += "[mqtt]\n" + o.mqtt_lines + "\n";
  write_text_file(folder_ + "/" + o.name + ".toml", text);
}

void Node::start() {
  std::vector<std::string> command = options_.launcher;
  command.insert(command.end(),
                 {program(options_.program.c_str()), "--config", folder_ + "/" + options_.name + ".toml"});
  process_.start(command, folder_ + "/" + options_.name + ".log");
}

void Node::check_running() {
  if (process_.running()) return;
  throw std::runtime_error(options_.name + " has ended by itself with " + std::to_string(process_.exit_code()));
}

void Node::kill() {
  check_running();
  process_.kill();
}

int Node::stop() {
  check_running();
  process_.signal(SIGTERM);
  return process_.wait(Millis(10'000));
}

std::optional<NodeStatus> Node::status() const {
  std::string answer = ask(folder_ + "/" + options_.name + ".sock", R"({"command":"status"})");
  nlohmann::json reply = nlohmann::json::parse(answer, nullptr, false);
  if (!reply.is_object() || !reply.contains("status")) return std::nullopt;
  const nlohmann::json& json = reply["status"];
  if (!json.is_object() || !json.contains("self")) return std::nullopt;
  NodeStatus status;
  status.is_protected = json.value("protected", false);
  status.self = box_from(json["self"]);
  if (json.contains("peer")) status.peer = box_from(json["peer"]);
  status.alone_from = json.value("alone_from", uint64_t{0});
  status.acked_alone = json.value("acked_alone", uint64_t{0});
  for (const nlohmann::json& path : json.value("paths", nlohmann::json::array())) {
    status.paths_up.push_back(path.value("up", false));
  }
  status.text = answer;
  return status;
}

uint64_t Node::sessions() const {
  std::optional<NodeStatus> now = status();
  if (!now) throw std::runtime_error(options_.name + " does not answer");
  return now->self.sessions;
}

bool Node::is_active() const {
  std::optional<NodeStatus> now = status();
  return now && now->self.role == "active";
}

Ran Node::control(const std::vector<std::string>& arguments, const std::string& input) const {
  const std::string input_file = folder_ + "/" + options_.name + ".input";
  write_text_file(input_file, input);
  std::vector<std::string> command = {"sh",
                                      "-c",
                                      "exec \"$@\" < " + input_file,
                                      "sh",
                                      program("tandemctl"),
                                      "--socket",
                                      folder_ + "/" + options_.name + ".sock"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command, scaled(Millis(10'000)));
}

void Cable::cut() {
  to_a_.cut();
  to_b_.cut();
}

void Cable::stall() {
  to_a_.stall();
  to_b_.stall();
}

void Cable::restore() {
  to_a_.restore();
  to_b_.restore();
}

Pair::Pair(const Folder& folder, const PairOptions& options) {
  make_keys(folder, {"boxa", "boxb"});
  NodeOptions a;
  a.name = "boxa";
  a.peer_name = "boxb";
  a.port = free_port();
  a.mirror_lines = "durability = \"" + options.durability + "\"\n" + options.mirror_lines;
  a.takeover_lines = options.takeover_lines;
  a.store_lines = options.store_lines;
  a.limits_lines = options.limits_lines;
  a.security_lines = options.security_lines;
  NodeOptions b = a;
  std::swap(b.name, b.peer_name);
  for (size_t path = 0; path < options.paths; ++path) {
    a.mirror_ports.push_back(free_port());
    b.mirror_ports.push_back(free_port());
    if (options.cables) cables_.push_back(std::make_unique<Cable>(a.mirror_ports.back(), b.mirror_ports.back()));
    a.peer_mirror_ports.push_back(options.cables ? cables_.back()->port_to_b() : b.mirror_ports.back());
    b.peer_mirror_ports.push_back(options.cables ? cables_.back()->port_to_a() : a.mirror_ports.back());
  }
  if (!options.shared_port) b.port = free_port();
  a_ = std::make_unique<Node>(folder, a);
  b_ = std::make_unique<Node>(folder, b);
}

std::vector<Endpoint> Pair::endpoints() const {
  if (a_->port() == b_->port()) return {a_->endpoint()};
  return {a_->endpoint(), b_->endpoint()};
}

void Pair::start() {
  a_->start();
  b_->start();
  await_protected();
}

Node& Pair::await_active() {
  Node* found = nullptr;
  until(
      [&] {
        for (Node* node : {a_.get(), b_.get()}) {
          if (node->process().running() && node->is_active()) found = node;
        }
        return found != nullptr;
      },
      "an active node");
  return *found;
}

void Pair::await_protected() {
  auto says_protected = [](Node& node) {
    std::optional<NodeStatus> status = node.status();
    return status && status->self.role == "active" && status->is_protected;
  };
  try {
    until([&] { return says_protected(*a_) || says_protected(*b_); }, "a protected pair");
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(std::string(error.what()) + "\n" + describe(a_->status()) + describe(b_->status()));
  }
}

void Pair::await_equal() {
  await_protected();
  a_->check_running();
  b_->check_running();
  std::optional<NodeStatus> a;
  std::optional<NodeStatus> b;
  auto equal = [&] {
    a = a_->status();
    b = b_->status();
    return a && b && a->self.lsn == b->self.lsn && !a->self.digest.empty() && a->self.digest == b->self.digest;
  };
  try {
    until(equal, "equal digests at the same record");
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(std::string(error.what()) + "\n" + describe(a) + describe(b));
  }
}

}  // namespace tandem::test
