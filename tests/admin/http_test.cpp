// HTTP with real sockets on loopback; the server's loop runs in a thread of its own, as in tandemd.
#include "admin/http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "admin/http_token.hpp"
#include "base/limits.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::admin;

namespace {

std::optional<Page> pages(std::string_view path, bool trusted) {
  if (!trusted) return Page{401, "text/plain", "a token is needed\n"};
  if (path == "/health") return Page{503, "text/plain", "bad: nobody\n"};
  if (path == "/metrics") return Page{200, "text/plain; version=0.0.4", "tandem_x 1\n"};
  return std::nullopt;
}

struct Server {
  explicit Server(std::int64_t timeout_ms = 60'000, std::uint16_t port_in = 0)
      : http(loop, HttpOptions{"127.0.0.1", port_in, timeout_ms}, pages) {
    opened = http.open();
    if (opened.ok()) port = http.port();
    thread = std::thread([this] { loop.run(); });
  }
  ~Server() {
    boost::asio::post(loop, [this] {
      http.close();
      work.reset();
    });
    thread.join();
  }
  boost::asio::io_context loop{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  Http http;
  Status opened;
  std::uint16_t port = 0;
  std::thread thread;
};

class Socket {
 public:
  explicit Socket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void send(const std::string& bytes) {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  // Until the server ends the connection.
  std::string read_all() {
    std::string all;
    char piece[4096];
    for (ssize_t count = 0; (count = ::recv(fd_, piece, sizeof piece, 0)) > 0;)
      all.append(piece, static_cast<std::size_t>(count));
    return all;
  }

 private:
  int fd_;
};

std::string asked(const Server& server, const std::string& request) {
  Socket socket(server.port);
  socket.send(request);
  return socket.read_all();
}

std::string get(const Server& server, const std::string& path) {
  return asked(server, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a page is served with its code and type, and the connection ends") {
  Server server;
  REQUIRE(server.opened.ok());
  const std::string metrics = get(server, "/metrics");
  CHECK(metrics.rfind("HTTP/1.1 200 OK\r\n", 0) == 0);
  CHECK(has(metrics, "Content-Type: text/plain; version=0.0.4\r\n"));
  CHECK(has(metrics, "Content-Length: 11\r\n"));
  CHECK(has(metrics, "Connection: close\r\n"));
  CHECK(has(metrics, "\r\n\r\ntandem_x 1\n"));
  CHECK(get(server, "/metrics?x=1") == metrics);
  CHECK(get(server, "/health").rfind("HTTP/1.1 503 ", 0) == 0);
}

TEST_CASE("HEAD gets what GET gets, without the body") {
  Server server;
  const std::string head = asked(server, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(has(head, "Content-Length: 11\r\n"));
  CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
}

TEST_CASE("another path is 404, another method 405, a body 413, no HTTP at all 400") {
  Server server;
  CHECK(get(server, "/").rfind("HTTP/1.1 404 ", 0) == 0);
  CHECK(get(server, "/metrics/..").rfind("HTTP/1.1 404 ", 0) == 0);
  const std::string post = asked(server, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  CHECK(post.rfind("HTTP/1.1 405 ", 0) == 0);
  CHECK(has(post, "Allow: GET, HEAD\r\n"));
  CHECK(asked(server, "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").rfind("HTTP/1.1 413 ", 0) == 0);
  CHECK(asked(server, "\x10\x0e\x00\x04MQTT\r\n\r\n").rfind("HTTP/1.1 400 ", 0) == 0);
}

// Found by the fuzzer: Beast's parser aborts on some bodies in chunks that come at once.
TEST_CASE("a page of another origin may not read: no header allows it, nor does its browser's question before") {
  Server server;
  const std::string from = "Host: x\r\nOrigin: https://elsewhere.example\r\n";
  const std::string got = asked(server, "GET /metrics HTTP/1.1\r\n" + from + "\r\n");
  CHECK(got.rfind("HTTP/1.1 200 ", 0) == 0);
  CHECK_FALSE(has(got, "Access-Control"));
  const std::string question =
      asked(server, "OPTIONS /metrics HTTP/1.1\r\n" + from + "Access-Control-Request-Method: GET\r\n\r\n");
  CHECK(question.rfind("HTTP/1.1 405 ", 0) == 0);
  CHECK_FALSE(has(question, "Access-Control"));
}

TEST_CASE("a body is refused by the request's header, whatever it holds") {
  Server server;
  for (const char* body : {"0\r\n\r\n", "\r\n0\r\nA: b\r\n\r\n", "\r0\r\n\r\nhello\r0\r\nA: b\r\n\r\n", "zz"}) {
    const std::string request = "GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(asked(server, request + body).rfind("HTTP/1.1 413 ", 0) == 0);
  }
}

TEST_CASE("a request beyond the limit is refused") {
  Server server;
  const std::string flood = "GET / HTTP/1.1\r\nX: " + std::string(3 * limits::http_request_bytes, 'x') + "\r\n\r\n";
  CHECK(asked(server, flood).rfind("HTTP/1.1 431 ", 0) == 0);
  CHECK(get(server, "/metrics").rfind("HTTP/1.1 200 ", 0) == 0);
}

TEST_CASE("half a request does not keep others waiting, and is dropped when its time is over") {
  Server patient;
  Socket half(patient.port);
  half.send("GET /metrics HTTP/1.1\r\nHo");
  CHECK(get(patient, "/metrics").rfind("HTTP/1.1 200 ", 0) == 0);
  half.send("st: x\r\n\r\n");
  CHECK(half.read_all().rfind("HTTP/1.1 200 ", 0) == 0);

  Server strict(100);
  Socket slow(strict.port);
  slow.send("GET /metrics HTTP/1.1\r\nHo");
  CHECK(slow.read_all().empty());
  Socket silent(strict.port);
  CHECK(silent.read_all().empty());
}

TEST_CASE("connections that hang do not keep others out: the oldest is closed") {
  Server server;
  std::vector<std::unique_ptr<Socket>> hanging;
  for (std::size_t i = 0; i < 2 * limits::http_connections; ++i)
    hanging.push_back(std::make_unique<Socket>(server.port));
  CHECK(get(server, "/metrics").rfind("HTTP/1.1 200 ", 0) == 0);
  CHECK(hanging.front()->read_all().empty());
}

TEST_CASE("a port that is taken is an error that names it; later it can be opened") {
  boost::asio::io_context loop;
  auto first = std::make_unique<Http>(loop, HttpOptions{"127.0.0.1", 0}, pages);
  REQUIRE(first->open().ok());
  const std::uint16_t port = first->port();
  Http second(loop, HttpOptions{"127.0.0.1", port}, pages);
  const Status refused = second.open();
  REQUIRE_FALSE(refused.ok());
  CHECK(has(refused.error().message, "127.0.0.1 port " + std::to_string(port)));
  CHECK(has(refused.error().message, "http.port"));
  first.reset();
  CHECK(second.open().ok());
}

TEST_CASE("with a token: who does not carry it is not trusted") {
  Server server;
  boost::asio::post(server.loop, [&server] { server.http.ask_token("0123456789abcdef"); });
  const auto with = [&server](const std::string& header) {
    return asked(server, "GET /metrics HTTP/1.1\r\nHost: x\r\n" + header + "\r\n");
  };
  const std::string refused = with("");
  CHECK(refused.rfind("HTTP/1.1 401 ", 0) == 0);
  CHECK(has(refused, "WWW-Authenticate: Bearer\r\n"));
  CHECK(with("Authorization: Bearer 0123456789abcdef\r\n").rfind("HTTP/1.1 200 ", 0) == 0);
  CHECK(with("authorization: bearer 0123456789abcdef\r\n").rfind("HTTP/1.1 200 ", 0) == 0);
  for (const char* const header :
       {"Authorization: Bearer 0123456789abcdeF\r\n", "Authorization: Bearer 0123456789abcde\r\n",
        "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n", "Authorization: Basic 0123456789abcdef\r\n",
        "Authorization: Bearer \r\n", "Authorization: Bearer0123456789abcdef\r\n"}) {
    CAPTURE(header);
    CHECK(with(header).rfind("HTTP/1.1 401 ", 0) == 0);
  }
}

TEST_CASE("a token's file: one long line that nobody else may read") {
  char path[] = "/tmp/tandem-token-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  ::close(fd);
  const auto read_back = [&path](const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
    return read_http_token(path);
  };
  CHECK(read_back("0123456789abcdef\n").value() == "0123456789abcdef");
  CHECK(read_back(std::string(512, 'x')).value().size() == 512);
  for (const std::string& wrong : {std::string(), std::string("short\n"), std::string(513, 'x'),
                                   std::string("0123456789 abcdef"), std::string("0123456789abcdef\nanother")}) {
    CAPTURE(wrong);
    REQUIRE_FALSE(read_back(wrong).ok());
    CHECK(has(read_back(wrong).error().message, "16 to 512"));
  }
  REQUIRE(::chmod(path, 0644) == 0);
  CHECK(has(read_back("0123456789abcdef").error().message, "chmod 600"));
  ::unlink(path);
  CHECK(has(read_http_token(path).error().message, "cannot be read"));
}
