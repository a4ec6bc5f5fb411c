// Health and metrics of a real tandemd, and what it does when the port is taken.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/wire/broker.hpp"

#include <doctest/doctest.h>

using namespace tandem::test;

namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The whole answer; empty if nobody listens.
std::string get(uint16_t port, const std::string& path) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  std::string answer;
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char bytes[4096];
    for (ssize_t got = 0; (got = ::recv(fd, bytes, sizeof(bytes), 0)) > 0;)
      answer.append(bytes, static_cast<size_t>(got));
  }
  ::close(fd);
  return answer;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A port that somebody else listens on.
class Taken {
 public:
  explicit Taken(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(port);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::listen(fd_, 1) == 0);
  }
  ~Taken() { ::close(fd_); }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

 private:
  int fd_;
};

NodeOptions options_with_http() {
  NodeOptions options;
  options.name = "watched";
  options.port = free_port();
  options.http_port = free_port();
  return options;
}

}  // namespace

TEST_CASE("a box that serves is healthy, and its metrics count the messages of its clients") {
  Folder folder("http");
  const NodeOptions options = options_with_http();
  Node node(folder, options);
  node.start();
  Client client = client_of(node, 5, "counted");
  connect_any(client, {node.endpoint()}, scaled(Millis(10'000)));
  client.subscribe("http/x", 1);
  for (int i = 0; i < 3; ++i) CHECK(client.publish("http/x", "m", 1) == 0);
  for (int i = 0; i < 3; ++i) CHECK(client.receive().payload == "m");

  const std::string health = get(options.http_port, "/health");
  CHECK(has(health, "HTTP/1.1 200 "));
  CHECK(has(health, "\r\n\r\ngood: active, single"));
  const std::string metrics = get(options.http_port, "/metrics");
  CAPTURE(metrics);
  CHECK(has(metrics, "Content-Type: text/plain; version=0.0.4"));
  CHECK(has(metrics, "\ntandem_role{role=\"active\"} 1\n"));
  CHECK(has(metrics, "\ntandem_protected 0\n"));
  CHECK(has(metrics, "\ntandem_promise{promise=\"single\"} 1\n"));
  CHECK(has(metrics, "\ntandem_connections 1\n"));
  CHECK(has(metrics, "\ntandem_messages_received_total 3\n"));
  CHECK(has(metrics, "\ntandem_messages_sent_total 3\n"));
  CHECK(has(get(options.http_port, "/status"), "\"role\":\"active\""));
  CHECK(has(get(options.http_port, "/"), "HTTP/1.1 404 "));
  CHECK(node.stop() == 0);
}

TEST_CASE("a port that is taken is an alarm; tandemd serves, and serves HTTP once the port is free") {
  Folder folder("http");
  const NodeOptions options = options_with_http();
  auto taken = std::make_unique<Taken>(options.http_port);
  Node node(folder, options);
  node.start();
  Client client = client_of(node, 4, "client");
  connect_any(client, {node.endpoint()}, scaled(Millis(10'000)));
  REQUIRE(node.status().has_value());
  CHECK(has(node.status()->text, "\"kind\":\"http\""));
  CHECK(has(node.journal(),
            "Alarm (http): HTTP cannot be served on 127.0.0.1 port " + std::to_string(options.http_port)));
  taken.reset();
  until([&] { return has(get(options.http_port, "/health"), "HTTP/1.1 200 "); }, "HTTP is not served",
        scaled(Millis(30'000)));
  CHECK_FALSE(has(node.status()->text, "\"kind\":\"http\""));
  CHECK(node.stop() == 0);
}
