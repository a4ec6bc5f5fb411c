// MQTT over WebSocket at a real tandemd: raw frames, and Paho for Python as a client that knows nothing of us.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/covers.hpp"
#include "tests/edge/websocket_client.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;
namespace ws = tandem::edge::test;

namespace {

Node& web_broker() {
  static Folder folder("web", Folder::Life::program);
  static std::unique_ptr<Node> node = [] {
    NodeOptions options;
    options.name = "web";
    options.port = free_port();
    options.websocket_port = free_port();
    options.websocket_lines = "origins = \"https://hmi.example\"";
    auto started = std::make_unique<Node>(folder, options);
    started->start();
    Client probe = client_of(*started, 4, "probe");
    connect_any(probe, {started->endpoint()}, scaled(Millis(10'000)));
    return started;
  }();
  return *node;
}

Client plain_client(uint8_t version) {
  Client client = client_of(web_broker(), version);
  client.connect();
  return client;
}

// A WebSocket over the tests' own socket: what comes is taken apart into the frames' payloads.
class WebClient {
 public:
  explicit WebClient(const std::string& request) {
    Client tcp = client_of(web_broker(), 4);
    tcp.options().port = web_broker().options().websocket_port;
    tcp.open();
    fd_ = tcp.release(bytes_);
    send(request);
    read_until([&] { return bytes_.find("\r\n\r\n") != std::string::npos; });
    const size_t end = bytes_.find("\r\n\r\n") + 4;
    response_ = bytes_.substr(0, end);
    bytes_.erase(0, end);
  }
  ~WebClient() { ::close(fd_); }
  WebClient(const WebClient&) = delete;
  WebClient& operator=(const WebClient&) = delete;

  const std::string& response() const { return response_; }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      REQUIRE(sent > 0);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // The next packet in binary frames; version as in Connect.
  Packet packet(uint8_t version) {
    std::optional<Packet> found;
    read_until([&] {
      take_frames();
      std::string_view rest = mqtt_;
      found = take_packet(rest, version);
      mqtt_.erase(0, mqtt_.size() - rest.size());
      return found.has_value();
    });
    return *found;
  }
  // The code of the broker's close frame, behind which the stream must end. 0: without one.
  int close_code() {
    read_until([&] { return ended_; });
    take_frames();
    return close_code_;
  }
  const std::string& pongs() const { return pongs_; }
  // What came behind the response.
  std::string until_end() {
    read_until([&] { return ended_; });
    return bytes_;
  }

 private:
  template <class Done>
  void read_until(Done done) {
    while (!done()) {
      if (ended_) throw ClientError(ClientError::Kind::closed, "the broker has closed the WebSocket");
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, static_cast<int>(scaled(Millis(5'000)).count())) != 1)
        throw ClientError(ClientError::Kind::timeout, "nothing comes over the WebSocket");
      char buffer[65'536];
      const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
      if (count < 0) throw ClientError(ClientError::Kind::closed, "the WebSocket was reset");
      ended_ = count == 0;
      bytes_.append(buffer, static_cast<size_t>(count));
    }
  }

  void take_frames() {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes_[at]); };
    while (bytes_.size() >= 2) {
      CHECK((byte(0) & 0xF0) == 0x80);  // final, no extension
      CHECK((byte(1) & 0x80) == 0);     // not masked
      const size_t length_bytes = byte(1) == 127 ? 8 : byte(1) == 126 ? 2 : 0;
      const size_t head = 2 + length_bytes;
      if (bytes_.size() < head) return;
      uint64_t size = length_bytes == 0 ? byte(1) : 0;
      for (size_t i = 2; i < head; ++i) size = size << 8 | byte(i);
      if (bytes_.size() < head + size) return;
      const std::string payload = bytes_.substr(head, size);
      const int opcode = byte(0) & 0x0F;
      if (opcode == ws::binary_frame) mqtt_ += payload;
      if (opcode == ws::pong_frame) pongs_ += payload;
      if (opcode == ws::close_frame)
        close_code_ = static_cast<uint8_t>(payload[0]) << 8 | static_cast<uint8_t>(payload[1]);
      bytes_.erase(0, head + size);
    }
  }

  int fd_ = -1;
  std::string response_;
  std::string bytes_;
  std::string mqtt_;
  std::string pongs_;
  int close_code_ = 0;
  bool ended_ = false;
};

std::string connect_bytes(uint8_t version, std::optional<Will> will = {}) {
  Connect connect;
  connect.version = version;
  connect.client_id = unique("web");
  connect.will = std::move(will);
  return encode_connect(connect);
}

}  // namespace

TEST_CASE("WebSocket: every version connects, and reaches clients of the plain listener and back") {
  COVERS("MQTT5-6.0.0-2", "MQTT5-6.0.0-4", "T-49", "T-50");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    const std::string subprotocol = version == 3 ? "mqttv3.1" : "mqtt";
    WebClient web(ws::upgrade_request("/mqtt", subprotocol));
    CHECK(web.response().find("\r\nSec-WebSocket-Protocol: " + subprotocol + "\r\n") != std::string::npos);
    const std::string topic = unique("web/");
    const std::string hello = connect_bytes(version) + encode_subscribe(1, {{topic, 1}}, version);
    web.send(ws::binary("") + ws::binary(hello.substr(0, 1)) + ws::ping_of("p") + ws::binary(hello.substr(1)));
    CHECK(web.packet(version).code() == 0);
    CHECK(web.packet(version).type == Type::suback);
    CHECK(web.pongs() == "p");

    Client plain = plain_client(version);
    plain.subscribe(topic + "/back", 1);
    const std::string large(500'000, 'x');
    CHECK(plain.publish(topic, large, 1) == 0);
    CHECK(web.packet(version).payload == large);
    const std::string back = encode_publish(message_to(topic + "/back", large, 0), version);
    web.send(ws::masked(ws::binary_frame, back.substr(0, 70'000)) + ws::ping_of("q") +
             ws::masked(ws::final_bit | ws::continuation_frame, back.substr(70'000)));
    CHECK(plain.receive().payload == large);
    web.send(ws::binary(encode_disconnect(version)) + ws::close_of(1000));
    CHECK(web.close_code() == 1000);
  }
}

TEST_CASE("WebSocket: a text frame ends the connection with a reason, and its will is published") {
  COVERS("MQTT5-6.0.0-1", "T-49");
  for (uint8_t version : all_versions) {
    CAPTURE(version);
    Client watcher = plain_client(4);
    const std::string topic = unique("web/will/");
    watcher.subscribe(topic, 1);
    WebClient web(ws::upgrade_request());
    Will will;
    will.topic = topic;
    will.payload = "gone";
    web.send(ws::binary(connect_bytes(version, will)));
    CHECK(web.packet(version).code() == 0);
    web.send(ws::masked(ws::final_bit | ws::text_frame, encode_pingreq()));
    if (version == 5) {
      const Packet reason = web.packet(5);
      CHECK(reason.type == Type::disconnect);
      CHECK(reason.code() == 0x82);
      CHECK(reason.properties.text(prop::reason_string).value_or("").find("text frame") != std::string::npos);
    }
    CHECK(web.close_code() == 1003);
    CHECK(watcher.receive().payload == "gone");
  }
}

TEST_CASE("WebSocket: who may not connect is told why in HTTP") {
  COVERS("MQTT5-6.0.0-3", "T-50");
  const auto refused = [](const std::string& request, const std::string& status, const std::string& why) {
    WebClient web(request);
    CHECK(web.response().starts_with("HTTP/1.1 " + status));
    CHECK(web.until_end().find(why) != std::string::npos);
  };
  refused(ws::upgrade_request("/mqtt", "mqtt", "Origin: https://evil.example\r\n"), "403 ", "listener.origins");
  refused(ws::upgrade_request("/nowhere"), "404 ", "listener.path");
  refused(ws::upgrade_request("/mqtt", "chat"), "400 ", "sub-protocol");
  refused(connect_bytes(4) + "\r\n\r\n", "400 ", "Plain MQTT is at another port");
  CHECK(WebClient(ws::upgrade_request("/", "mqtt", "Origin: https://hmi.example\r\n"))
            .response()
            .starts_with("HTTP/1.1 101 "));
  CHECK(web_broker().stop() == 0);
}

// Paho names https://HOST:PORT of the broker as its Origin.
TEST_CASE("WebSocket: Paho for Python connects, publishes at every QoS, has a will and comes back to its session") {
  COVERS("MQTT5-6.0.0-2", "MQTT5-6.0.0-4");
  Folder folder("paho");
  NodeOptions options;
  options.name = "paho";
  options.port = free_port();
  options.websocket_port = free_port();
  options.websocket_lines = "origins = \"https://localhost:" + std::to_string(options.websocket_port) + "\"";
  Node node(folder, options);
  node.start();
  Client probe = client_of(node, 4, "probe");
  connect_any(probe, {node.endpoint()}, scaled(Millis(10'000)));
  const Ran ran = run({TANDEM_PYTHON3, "-B", TANDEM_PAHO_WEBSOCKET, std::to_string(options.websocket_port)},
                      scaled(Millis(60'000)));
  CHECK_MESSAGE(ran.code == 0, ran.output);
  CHECK(node.stop() == 0);
}
