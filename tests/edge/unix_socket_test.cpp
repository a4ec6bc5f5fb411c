// Listeners at a Unix socket: their file, who comes there, and what happens if it cannot be made.
#include "base/unix_socket.hpp"
#include "harness.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

struct Place {
  Place() {
    char made[] = "/tmp/tandem-socket-XXXXXX";
    REQUIRE(::mkdtemp(made) != nullptr);
    folder = made;
    path = folder + "/mqtt.sock";
  }
  ~Place() { std::filesystem::remove_all(folder); }
  // The mode of what is at the path; 0: nothing.
  mode_t mode() const {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0 ? found.st_mode : 0;
  }

  std::string folder;
  std::string path;
};

EdgeOptions with_socket(const Place& place) {
  EdgeOptions options = Harness::default_options();
  ListenerOptions local;
  local.socket = place.path;
  options.listeners.push_back(local);
  return options;
}

// A client that is connected, or 0 and errno.
struct LocalClient {
  explicit LocalClient(const std::string& path) : fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = unix_address(path);
    error = ::connect(fd, address->generic(), sizeof address->address) == 0 ? 0 : errno;
  }
  ~LocalClient() { ::close(fd); }
  LocalClient(const LocalClient&) = delete;
  LocalClient& operator=(const LocalClient&) = delete;
  void send(const std::string& bytes) const {
    CHECK(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  // What comes until the end of the stream.
  std::string read_all(Harness& h) const {
    std::string all;
    char buffer[1024];
    const bool ended = h.run_until([&] {
      const ssize_t count = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count > 0) all.append(buffer, static_cast<std::size_t>(count));
      return count == 0 || (count < 0 && errno != EAGAIN);
    });
    CHECK(ended);
    return all;
  }

  int fd;
  int error;
};

}  // namespace

TEST_CASE("Unix socket: packets both ways; the client is local, and its process known") {
  const Place place;
  Harness h(with_socket(place));
  h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.out() += publish(3);
    connection.close_after_flush();
    return true;
  };
  std::string remote;
  IpAddress address = parse_address("192.0.2.1").value();
  Flow flow{address, address, 1, 1};
  h.sink.packet = [&, reply = h.sink.packet](Connection& connection, mqtt::Packet& packet) {
    remote = connection.remote();
    address = connection.address();
    flow = connection.flow();
    return reply(connection, packet);
  };
  const LocalClient client(place.path);
  REQUIRE(client.error == 0);
  client.send(ping());
  CHECK(client.read_all(h) == publish(3));
  CHECK(remote == "local (uid " + std::to_string(::getuid()) + ", pid " + std::to_string(::getpid()) + ")");
  CHECK(address == IpAddress{});  // that nobody on a network has
  CHECK(flow == Flow{});
  CHECK(h.edge->ports().size() == 1);
  Client over_tcp(h.port());
  over_tcp.send(ping());
  CHECK(h.run_until([&] { return h.sink.seen.size() == 2; }));
}

TEST_CASE("Unix socket: the file has its mode before anybody can connect, and goes with the listener") {
  const Place place;
  EdgeOptions options = with_socket(place);
  options.listeners[1].socket_mode = 0620;
  const mode_t before = ::umask(0077);
  Harness h(options);
  ::umask(before);
  CHECK(place.mode() == (S_IFSOCK | 0620U));
  h.edge->close_listeners();
  CHECK(place.mode() == 0);
  CHECK(LocalClient(place.path).error == ENOENT);
  REQUIRE(h.edge->open_listeners().ok());
  CHECK(place.mode() == (S_IFSOCK | 0620U));
  h.edge.reset();
  CHECK(place.mode() == 0);
}

TEST_CASE("Unix socket: clients wait until accept_clients(), and are reset when all are closed") {
  const Place place;
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  Edge edge(loop, with_socket(place), sink);
  REQUIRE(edge.open_listeners().ok());
  const LocalClient client(place.path);
  CHECK(client.error == 0);
  loop.poll();
  CHECK(edge.connection_count() == 0);
  edge.accept_clients();
  loop.restart();
  while (edge.connection_count() == 0) loop.run_one();
  edge.close_all_connections();
  char byte = 0;
  CHECK(::recv(client.fd, &byte, 1, 0) == 0);
}

TEST_CASE("Unix socket: the file of a process that is gone is replaced") {
  const Place place;
  {
    const Result<UnixListener> dead = listen_at_path(place.path, 0600, 1);
    REQUIRE(dead.ok());
    ::close(dead.value().fd);
  }
  CHECK(LocalClient(place.path).error == ECONNREFUSED);
  Harness h(with_socket(place));
  CHECK(LocalClient(place.path).error == 0);
}

TEST_CASE(
    "Unix socket: what is in its way is left there, everybody else is served, and it is made when the way is free") {
  const Place place;
  std::ofstream(place.path) << "a file";
  Harness h(with_socket(place));
  CHECK(h.edge->listening());
  Client client(h.port());
  client.send(ping());
  CHECK(h.run_until([&] { return h.sink.seen.size() == 1; }));
  for (int i = 0; i < 30; ++i) h.tick(100);
  CHECK(S_ISREG(place.mode()));
  std::filesystem::remove(place.path);
  // Another process is there.
  const Result<UnixListener> other = listen_at_path(place.path, 0600, 1);
  REQUIRE(other.ok());
  for (int i = 0; i < 30; ++i) h.tick(100);
  ::close(other.value().fd);
  CHECK(LocalClient(place.path).error == ECONNREFUSED);
  for (int i = 0; i < 10; ++i) h.tick(100);
  const LocalClient local(place.path);
  REQUIRE(local.error == 0);
  local.send(ping());
  CHECK(h.run_until([&] { return h.sink.seen.size() == 2; }));
}

TEST_CASE("Unix socket: another process's file is not removed") {
  const Place place;
  Harness h(with_socket(place));
  std::filesystem::remove(place.path);
  const Result<UnixListener> other = listen_at_path(place.path, 0600, 1);
  REQUIRE(other.ok());
  h.edge->close_listeners();
  CHECK(S_ISSOCK(place.mode()));
  remove_file_of(other.value());
  CHECK(place.mode() == 0);
  ::close(other.value().fd);
}

TEST_CASE("Unix socket: it is loopback enough for only_loopback, is no virtual IP, and a listener may have no other") {
  const Place place;
  boost::asio::io_context loop{1};
  ScriptedSink sink;
  EdgeOptions options = with_socket(place);
  options.listeners.erase(options.listeners.begin());
  options.virtual_ips = {"127.0.0.9"};
  Edge edge(loop, options, sink);
  edge.only_loopback(true);
  REQUIRE(edge.hold_virtual_ips().ok());
  CHECK(place.mode() == 0);
  REQUIRE(edge.open_listeners().ok());
  CHECK(edge.listening());
  CHECK(edge.ports().empty());
  CHECK(LocalClient(place.path).error == 0);
  edge.close_listeners();
  edge.only_loopback(false);
  REQUIRE(edge.hold_virtual_ips().ok());
  CHECK(place.mode() == 0);
  REQUIRE(edge.open_listeners().ok());
  CHECK(LocalClient(place.path).error == 0);
}

TEST_CASE("Unix socket: limits.max_connections_per_address counts all local clients as one address, of their own") {
  const Place place;
  EdgeOptions options = with_socket(place);
  options.max_connections_per_address = 1;
  Harness h(options);
  Client over_tcp(h.port());
  REQUIRE(h.run_until([&] { return h.edge->connection_count() == 1; }));
  const LocalClient first(place.path);
  REQUIRE(h.run_until([&] { return h.edge->connection_count() == 2; }));
  const LocalClient second(place.path);
  CHECK(second.read_all(h) == "");
  CHECK(h.edge->connection_count() == 2);
}
