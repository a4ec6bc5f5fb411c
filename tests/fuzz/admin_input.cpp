// A client of the control socket or of HTTP that says what it likes, against the real servers in one loop.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>

#include "admin/control.hpp"
#include "admin/events.hpp"
#include "admin/http.hpp"
#include "admin/protocol.hpp"
#include "admin/status.hpp"
#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/unix_socket.hpp"
#include "tests/fuzz/connect.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

namespace {

using namespace admin;
using boost::asio::io_context;

constexpr std::size_t answer_bytes_max = 64 * 1024;

// The server closes first, so each connection keeps its port for a minute: they come from ever other addresses of this
// machine.
void bind_elsewhere(int fd) {
  static std::uint32_t number = 0;
  number = (number + 1) % 65'536;
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl((127U << 24) | (1U << 16) | number);
  const int no_port_yet = 1;
  ::setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &no_port_yet, sizeof no_port_yet);
  CHECK(::bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0);
}

class Client {
 public:
  Client(io_context& loop, int family, const sockaddr* address, socklen_t size)
      : loop_(loop), fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    CHECK(fd_ >= 0);
    if (family == AF_INET) bind_elsewhere(fd_);
    connect_to(fd_, address, size);
    loop_.poll();
  }
  ~Client() {
    ::close(fd_);
    loop_.poll();
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Everything that comes back until the server ends the connection, which it must.
  ByteBuffer talk(ByteView bytes, std::size_t piece_bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_bytes, bytes.size()))) {
      const ByteView piece = bytes.substr(0, piece_bytes);
      if (::send(fd_, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
      loop_.poll();
    }
    ::shutdown(fd_, SHUT_WR);
    ByteBuffer answer;
    for (char some[4096];;) {
      const ssize_t size = ::recv(fd_, some, sizeof some, MSG_DONTWAIT);
      if (size > 0) answer.append(some, static_cast<std::size_t>(size));
      if (size == 0 || (size < 0 && errno != EAGAIN)) return answer;
      CHECK(answer.size() <= answer_bytes_max);
      if (size < 0) CHECK(loop_.run_one_for(std::chrono::seconds(60)) == 1);
    }
  }

 private:
  io_context& loop_;
  int fd_;
};

struct ControlServer {
  ControlServer()
      : control(loop, path(), local_permissions(),
                [](std::string_view line, const Caller&, Permission) { return answer(line); }) {
    CHECK(control.open().ok());
  }
  static std::string path() { return "/tmp/tandem-fuzz-" + std::to_string(::getpid()) + ".sock"; }
  static std::string answer(std::string_view line) {
    const Result<Request> request = parse_request(line);
    if (!request.ok()) return reply_error(request.error().message);
    const Result<Request> again = parse_request(to_line(request.value()));
    CHECK(again.ok());
    return reply_message(again.value().command + " " + again.value().how);
  }
  io_context loop;
  Control control;
};

struct HttpServer {
  HttpServer() : http(loop, {"127.0.0.1", 0, 60'000}, page) {
    CHECK(http.open().ok());
    http.ask_token("0123456789abcdef");
  }
  static std::optional<Page> page(std::string_view path, bool trusted) {
    if (!trusted) return Page{401, "text/plain", "a token is needed\n"};
    if (path == "/status") return Page{200, "text/plain", "good\n"};
    return std::nullopt;
  }
  io_context loop;
  Http http;
};

// What a node may answer: tandemctl reads it.
void examine_replies(ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const ByteView line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (const Result<Reply> reply = parse_reply(line); reply.ok())
      CHECK(reply.value().ok || !reply.value().error.empty());
    if (const Result<Event> event = event_from_line(line); event.ok())
      CHECK(event_from_line(to_line(event.value())).ok());
    if (const Result<StatusReport> status = status_from_json(line); status.ok()) {
      (void)to_text(status.value(), true);
      CHECK(status_from_json(to_json(status.value())).ok());
    }
  }
}

}  // namespace

void examine_control(ByteView input) {
  static ControlServer server;
  static const auto address = unix_address(ControlServer::path());
  ByteReader reader(input);
  const std::size_t piece_bytes = 1 + reader.u8() % 64U;
  const ByteView bytes = reader.rest();
  examine_replies(bytes);
  const auto talk = [&](std::size_t pieces) {
    return Client(server.loop, AF_UNIX, address->generic(), sizeof address->address).talk(bytes, pieces);
  };
  const ByteBuffer answer = talk(piece_bytes);
  if (bytes.size() > limits::control_request_bytes) return;  // where it is too long depends on how it comes
  CHECK(std::count(answer.begin(), answer.end(), '\n') == std::count(bytes.begin(), bytes.end(), '\n'));
  CHECK(answer == talk(bytes.size() + 1));
}

void examine_http(ByteView input) {
  static HttpServer server;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.http.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ByteReader reader(input);
  const std::size_t piece_bytes = 1 + reader.u8() % 64U;
  const ByteView bytes = reader.rest();
  const ByteBuffer answer = Client(server.loop, AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address)
                                .talk(bytes, piece_bytes);
  CHECK(answer.empty() || answer.starts_with("HTTP/1.1 "));
  const bool good = answer.starts_with("HTTP/1.1 200 ");
  CHECK(!good ||
        ((bytes.starts_with("GET") || bytes.starts_with("HEAD")) && bytes.find("0123456789abcdef") != ByteView::npos));
}

}  // namespace tandem::fuzz
