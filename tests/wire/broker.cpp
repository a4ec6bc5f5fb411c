// See broker.hpp.
#include "tests/wire/broker.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace tandem::test {

namespace {

constexpr uint32_t durable_expiry_s = 600;

std::string line(const char* key, int64_t value) {
  return std::string(key) + " = " + std::to_string(value) + "\n";
}

std::unique_ptr<Node> started(const std::string& name, const std::string& limits_lines,
                              const std::string& program = "tandemd") {
  static Folder folder("wire", Folder::Life::program);
  NodeOptions options;
  options.name = name;
  options.port = free_port();
  options.limits_lines = limits_lines;
  options.mqtt_lines = "response_prefix = \"replies/\"\n";
  options.program = program;
  auto node = std::make_unique<Node>(folder, options);
  node->start();
  Client probe = client_of(*node, 4, "probe");
  connect_any(probe, {node->endpoint()}, scaled(Millis(10'000)));
  probe.disconnect();
  return node;
}

}  // namespace

Node& broker() {
  static std::unique_ptr<Node> node = started("wire", "");
  return *node;
}

Node& small_broker() {
  static std::unique_ptr<Node> node = started(
      "small", line("max_packet_bytes", small::max_packet_bytes) + line("receive_maximum", small::receive_maximum) +
                   line("v3_in_flight", small::v3_in_flight) + line("topic_alias_maximum", small::topic_alias_maximum) +
                   line("max_queue_messages", small::max_queue_messages) +
                   line("max_subscriptions_per_session", small::max_subscriptions) +
                   line("max_retained", small::max_retained) +
                   line("connect_timeout_ms", small::connect_timeout.count()));
  return *node;
}

Node& bare_broker() {
  static std::unique_ptr<Node> node = started("bare", "topic_alias_maximum = 0\n");
  return *node;
}

Node& impatient_broker() {
  static std::unique_ptr<Node> node = started("impatient", "max_queue_messages = 10\nqueue_policy = \"disconnect\"\n");
  return *node;
}

Node& paced_broker() {
  static std::unique_ptr<Node> node = started("paced", line("max_keep_alive_s", paced::max_keep_alive_s) +
                                                           line("max_connects_per_s", paced::max_connects_per_s) +
                                                           line("max_publishes_per_s", paced::max_publishes_per_s));
  return *node;
}

Node& words_broker() {
  static std::unique_ptr<Node> node =
      started("words", line("connect_timeout_ms", words_connect_timeout.count()), "words_broker");
  return *node;
}

std::string unique(const std::string& name) {
  static int number = 0;
  return name + std::to_string(++number);
}

Client client_of(const Node& node, uint8_t version, const std::string& id) {
  ClientOptions options;
  options.port = node.port();
  options.timeout = scaled(Millis(5'000));
  options.connect.version = version;
  options.connect.client_id = id;
  return Client(options);
}

Client connected(uint8_t version, const std::string& id) {
  Client client = client_of(broker(), version, id);
  client.connect();
  return client;
}

void make_durable(Client& client) {
  client.options().connect.clean = false;
  if (client.options().connect.version == 5) client.options().connect.session_expiry_s = durable_expiry_s;
}

Client connected_durable(uint8_t version, const std::string& id) {
  Client client = client_of(broker(), version, id);
  make_durable(client);
  client.connect();
  return client;
}

Publish message_to(const std::string& topic, const std::string& payload, uint8_t qos) {
  Publish publish;
  publish.topic = topic;
  publish.payload = payload;
  publish.qos = qos;
  return publish;
}

void check_serves(const Node& node) {
  Client client = client_of(node, 4);
  client.connect();
  std::string topic = unique("serves/");
  client.subscribe(topic, 1);
  CHECK(client.publish(topic, "yes", 1) == 0);
  CHECK(client.receive().payload == "yes");
  client.disconnect();
}

uint64_t resident_kib(Node& node) {
  std::ifstream file("/proc/" + std::to_string(node.process().pid()) + "/status");
  std::string word;
  uint64_t value = 0;
  while (file >> word) {
    if (word == "VmRSS:" && file >> value) return value;
  }
  return 0;
}

uint8_t closed_with(Client& client) {
  uint8_t reason = 0;
  for (const Packet& packet : client.expect_closed()) {
    if (packet.type == Type::disconnect) reason = packet.code();
  }
  return reason;
}

}  // namespace tandem::test
