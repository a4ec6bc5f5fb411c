// Smoke test of the test client against a scripted server: what it sends, what it keeps, and that it never
// hangs.
#include "tests/client/client.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

using namespace tandem::test;

namespace {

// Listens on a free loopback port and plays one connection from a script in its own thread.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(int fd)> script) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 4) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script)] {
      int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      script(fd);
      ::close(fd);
    });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  Client client(uint8_t version, Millis timeout = Millis(5000)) const {
    ClientOptions options;
    options.port = port_;
    options.connect.version = version;
    options.connect.client_id = "c";
    options.timeout = timeout;
    return Client(options);
  }

 private:
  int listener_ = -1;
  uint16_t port_ = 0;
  std::thread thread_;
};

// Waits for these very bytes; false if others come or the client hangs up.
bool wanted(int fd, const std::string& bytes) {
  std::string got(bytes.size(), '\0');
  return ::recv(fd, got.data(), got.size(), MSG_WAITALL) == static_cast<ssize_t>(bytes.size()) && got == bytes;
}

void say(int fd, const std::string& bytes) {
  (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void wait_for_close(int fd) {
  char byte = 0;
  while (::recv(fd, &byte, 1, 0) > 0) {
  }
}

const std::string connack_4 = frame(Type::connack, 0, std::string("\0\0", 2));
const std::string connack_5 = frame(Type::connack, 0, std::string("\0\0\0", 3));

ClientError::Kind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ClientError& error) {
    return error.kind();
  }
  FAIL("no ClientError");
  return ClientError::Kind::timeout;
}

}  // namespace

TEST_CASE("connect, publish QoS 1 and keep what came in between") {
  ScriptedServer server([](int fd) {
    Connect expected;
    expected.client_id = "c";
    if (!wanted(fd, encode_connect(expected))) return;
    say(fd, connack_4);
    Publish first{"a/b", "hello", 1, false, false, 1, {}};
    if (!wanted(fd, encode_publish(first, 4))) return;
    Publish inbound{"x", "in between", 1, false, false, 9, {}};
    say(fd, encode_publish(inbound, 4) + encode_ack(Type::puback, 1, 4));
    if (!wanted(fd, encode_ack(Type::puback, 9, 4))) return;
    say(fd, encode_pingreq().replace(0, 1, "\xD0"));
    wait_for_close(fd);
  });
  Client client = server.client(4);
  client.connect();
  CHECK(client.publish("a/b", "hello", 1) == 0);
  Packet message = client.receive();
  CHECK(message.topic == "x");
  CHECK(message.payload == "in between");
  CHECK(client.read().type == Type::pingresp);
}

TEST_CASE("QoS 2 both ways, MQTT 5") {
  ScriptedServer server([](int fd) {
    Connect expected;
    expected.version = 5;
    expected.client_id = "c";
    if (!wanted(fd, encode_connect(expected))) return;
    say(fd, connack_5);
    Publish out{"q", "2", 2, false, false, 1, {}};
    if (!wanted(fd, encode_publish(out, 5))) return;
    say(fd, encode_ack(Type::pubrec, 1, 5));
    if (!wanted(fd, encode_ack(Type::pubrel, 1, 5))) return;
    say(fd, encode_ack(Type::pubcomp, 1, 5, 0x92));
    out.properties.user("name", "value").number(prop::subscription_id, 300);
    say(fd, encode_publish(out, 5));
    if (!wanted(fd, encode_ack(Type::pubrec, 1, 5))) return;
    say(fd, encode_ack(Type::pubrel, 1, 5));
    if (!wanted(fd, encode_ack(Type::pubcomp, 1, 5))) return;
    say(fd, encode_disconnect(5, 0x8B));
  });
  Client client = server.client(5);
  client.connect();
  CHECK(client.publish("q", "2", 2) == 0x92);
  Packet message = client.receive();
  CHECK(message.properties.number(prop::subscription_id) == 300U);
  CHECK(message.properties.users().front().second == "value");
  std::vector<Packet> last = client.expect_closed();
  REQUIRE(last.size() == 1);
  CHECK(last[0].code() == 0x8B);
}

TEST_CASE("deadlines and refusals are told apart") {
  SUBCASE("a silent server is a timeout") {
    ScriptedServer server(wait_for_close);
    Client client = server.client(4, Millis(20));
    CHECK(kind_of([&] { client.connect(); }) == ClientError::Kind::timeout);
  }
  SUBCASE("a refusal is a refusal") {
    ScriptedServer server([](int fd) {
      say(fd, frame(Type::connack, 0, std::string("\0\5", 2)));
      wait_for_close(fd);
    });
    Client client = server.client(4);
    CHECK(kind_of([&] { client.connect(); }) == ClientError::Kind::refused);
  }
  SUBCASE("a closed connection is closed") {
    ScriptedServer server([](int) {});
    Client client = server.client(4);
    client.open();
    CHECK(client.expect_closed().empty());
    CHECK(kind_of([&] { client.ping(); }) == ClientError::Kind::closed);
  }
  SUBCASE("a server that stays is not closed") {
    ScriptedServer server(wait_for_close);
    Client client = server.client(4);
    client.open();
    client.expect_quiet(Millis(5));
    CHECK(kind_of([&] { client.expect_closed(Millis(5)); }) == ClientError::Kind::timeout);
  }
  SUBCASE("nobody accepts") {
    ClientOptions options;
    options.port = 1;
    Client client(options);
    CHECK(kind_of([&] { connect_any(client, {{"127.0.0.1", 1}}, Millis(20)); }) == ClientError::Kind::timeout);
  }
}
