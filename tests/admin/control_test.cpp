// The control socket with real clients; the server's loop runs in a thread of its own, as in tandemd.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "admin/ask.hpp"
#include "admin/control.hpp"
#include "admin/protocol.hpp"
#include "base/limits.hpp"
#include "base/unix_socket.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::admin;
using Outcome = Answer::Outcome;

namespace {

constexpr std::int64_t patience_ms = 10'000;

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tandem-control-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() {
    ::unlink(socket().c_str());
    ::rmdir(path.c_str());
  }
  std::string socket() const { return path + "/t.sock"; }
};

struct Server {
  explicit Server(
      const std::string& path, Control::Handler handler = [](std::string_view request, const Caller&,
                                                             Permission) { return "<" + std::string(request) + ">"; })
      : control(loop, path, local_permissions(), std::move(handler)) {
    opened = control.open();
    thread = std::thread([this] { loop.run(); });
  }
  ~Server() {
    boost::asio::post(loop, [this] {
      control.close();
      work.reset();
    });
    thread.join();
  }
  boost::asio::io_context loop{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  Control control;
  Status opened;
  std::thread thread;
};

int connect_to(const std::string& path) {
  const auto address = unix_address(path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(fd, address->generic(), sizeof address->address) == 0);
  return fd;
}

std::string read_all(int fd) {
  std::string all;
  char piece[4096];
  for (ssize_t count = 0; (count = ::recv(fd, piece, sizeof piece, 0)) > 0;) {
    all.append(piece, static_cast<std::size_t>(count));
  }
  return all;
}

}  // namespace

TEST_CASE("a request gets its reply; the file has mode 0666 and is removed at the end") {
  Folder folder;
  {
    Server server(folder.socket());
    REQUIRE(server.opened.ok());
    struct stat found {};
    REQUIRE(::lstat(folder.socket().c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0666);
    for (int i = 0; i < 3; ++i) {
      const Answer answer = ask(folder.socket(), "hello", patience_ms);
      CHECK(answer.outcome == Outcome::answered);
      CHECK(answer.text == "<hello>");
    }
  }
  const Answer gone = ask(folder.socket(), "hello", patience_ms);
  CHECK(gone.outcome == Outcome::not_there);
}

TEST_CASE("requests in pieces and several in one piece are answered in order on one connection") {
  Folder folder;
  Server server(folder.socket());
  const int fd = connect_to(folder.socket());
  for (const char c : std::string("first\n")) REQUIRE(::send(fd, &c, 1, MSG_NOSIGNAL) == 1);
  const std::string rest = "second\nthird\nfourth\n";
  REQUIRE(::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(rest.size()));
  ::shutdown(fd, SHUT_WR);
  CHECK(read_all(fd) == "<first>\n<second>\n<third>\n<fourth>\n");
  ::close(fd);
}

TEST_CASE("a request beyond the limit is refused and the connection ended") {
  Folder folder;
  Server server(folder.socket());
  const int fd = connect_to(folder.socket());
  const std::string flood(limits::control_request_bytes + 1, 'x');
  REQUIRE(::send(fd, flood.data(), flood.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(flood.size()));
  CHECK(read_all(fd) == reply_error("the request is too long") + "\n");
  ::close(fd);
  CHECK(ask(folder.socket(), "still here", patience_ms).text == "<still here>");
}

TEST_CASE("clients that hang do not keep others out: the oldest is closed") {
  Folder folder;
  Server server(folder.socket());
  std::vector<int> hanging;
  for (std::size_t i = 0; i < 2 * limits::control_clients; ++i) hanging.push_back(connect_to(folder.socket()));
  CHECK(ask(folder.socket(), "hello", patience_ms).text == "<hello>");
  CHECK(read_all(hanging.front()).empty());  // closed by the server
  for (const int fd : hanging) ::close(fd);
}

TEST_CASE("the socket file of a dead process is replaced") {
  Folder folder;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = unix_address(folder.socket());
  REQUIRE(::bind(fd, address->generic(), sizeof address->address) == 0);
  ::close(fd);  // the file stays
  CHECK(ask(folder.socket(), "x", patience_ms).outcome == Outcome::not_there);
  Server server(folder.socket());
  CHECK(server.opened.ok());
  CHECK(ask(folder.socket(), "x", patience_ms).text == "<x>");
}

TEST_CASE("the socket of a living process is left alone, by open() and by close()") {
  Folder folder;
  Server first(folder.socket());
  {
    Server second(folder.socket());
    REQUIRE_FALSE(second.opened.ok());
    CHECK(second.opened.error().message.find("another process answers there") != std::string::npos);
  }
  CHECK(ask(folder.socket(), "x", patience_ms).text == "<x>");
}

TEST_CASE("close() leaves a socket file that another process has put there meanwhile") {
  Folder folder;
  const int other = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  {
    Server server(folder.socket());
    ::unlink(folder.socket().c_str());
    const auto address = unix_address(folder.socket());
    REQUIRE(::bind(other, address->generic(), sizeof address->address) == 0);
  }
  struct stat found {};
  CHECK(::lstat(folder.socket().c_str(), &found) == 0);
  ::close(other);
}

TEST_CASE("what is in the way is named: a plain file, a missing folder, a path that is too long") {
  Folder folder;
  {
    std::ofstream(folder.socket()) << "precious";
    Server server(folder.socket());
    REQUIRE_FALSE(server.opened.ok());
    CHECK(server.opened.error().message.find("no socket is in the way") != std::string::npos);
  }
  Server nowhere(folder.path + "/missing/t.sock");
  REQUIRE_FALSE(nowhere.opened.ok());
  CHECK(nowhere.opened.error().message.find("No such file or directory") != std::string::npos);
  Server long_path("/tmp/" + std::string(200, 'x'));
  REQUIRE_FALSE(long_path.opened.ok());
  CHECK(long_path.opened.error().message.find("1 to 107 bytes") != std::string::npos);
}

TEST_CASE("a process that is there but hangs: ask() gives up in time") {
  Folder folder;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = unix_address(folder.socket());
  REQUIRE(::bind(fd, address->generic(), sizeof address->address) == 0);
  REQUIRE(::listen(fd, 1) == 0);
  const Answer answer = ask(folder.socket(), "x", 50);
  CHECK(answer.outcome == Outcome::failed);
  CHECK(answer.text.find("does not answer") != std::string::npos);
  ::close(fd);
}
