// MQTT over WebSocket on a socket: packets and back, back-pressure, and every end of such a connection.
#include "base/limits.hpp"
#include "harness.hpp"

#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "websocket_client.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

EdgeOptions websocket_options() {
  EdgeOptions options = Harness::default_options();
  options.listeners[0].websocket =
      std::make_shared<const WebSocketOptions>(WebSocketOptions{{"/mqtt"}, {"https://hmi.example"}});
  return options;
}

// An edge with a WebSocket listener, and one client.
struct World : Harness {
  World() : Harness(websocket_options()) {}
  Client client{port()};

  void open() {
    client.send(upgrade_request());
    REQUIRE(run_until([&] {
      client.poll();
      return client.received().ends_with("\r\n\r\n");
    }));
    before = client.received().size();
  }
  std::string received() {  // since open()
    client.poll();
    return client.received().substr(before);
  }
  bool receives(const std::string& bytes) {
    return run_until([&] { return received() == bytes; });
  }
  // What came until the edge ended the connection in order.
  std::string until_end() {
    REQUIRE(run_until([&] {
      client.poll();
      return client.ended() || client.broken();
    }));
    CHECK_FALSE(client.broken());
    return received();
  }
  void answer_with(const std::string& bytes) {
    sink.packet = [bytes](Connection& connection, mqtt::Packet&) {
      connection.out() += bytes;
      connection.will_write();
      return true;
    };
  }

  std::size_t before = 0;
};

}  // namespace

TEST_CASE("packets come in frames however they are cut; what a turn writes is one frame") {
  COVERS("MQTT5-6.0.0-2", "T-49");
  World w;
  w.open();
  w.client.send(binary(ping() + publish(3) + publish(300).substr(0, 1)) + binary("") +
                binary(publish(300).substr(1, 50)));
  w.client.send(ping_of("x") + masked(binary_frame, publish(300).substr(51)) +
                masked(final_bit | continuation_frame, disconnect()));
  REQUIRE(w.run_until([&] { return w.sink.count("disconnect") == 1; }));
  CHECK(w.sink.seen == std::vector<std::string>{"ping", "publish 3", "publish 300", "disconnect"});
  CHECK(w.receives(plain(pong_frame, "x")));

  w.sink.last->out() += "one";
  w.sink.last->will_write();
  w.sink.last->out() += "two";
  w.edge->flush();
  CHECK(w.receives(plain(pong_frame, "x") + plain(binary_frame, "onetwo")));
}

TEST_CASE("any cut of the bytes, from the request to the last frame, gives the same packets") {
  COVERS("MQTT5-6.0.0-2", "T-49");
  const std::string stream = upgrade_request() + masked(binary_frame, publish(5)) + ping_of("x") +
                             masked(final_bit | continuation_frame, ping() + publish(2)) + close_of(1000);
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    World w;
    w.client.send(stream.substr(0, cut));
    w.turn();
    w.turn();
    w.client.send(stream.substr(cut));
    REQUIRE(w.run_until([&] { return w.sink.causes.size() == 1; }));
    CHECK(w.sink.seen == std::vector<std::string>{"publish 5", "ping", "publish 2"});
    w.client.finish();
    const std::string answer = w.until_end();
    CHECK(answer.starts_with("HTTP/1.1 101 "));
    CHECK(answer.ends_with(plain(pong_frame, "x") + plain_close(1000)));
  }
}

TEST_CASE("a text frame ends the connection; the sink says why in MQTT, the close frame in WebSocket") {
  COVERS("MQTT5-6.0.0-1", "T-49");
  World w;
  w.sink.malformed = [](Connection& connection) { connection.out() += "reason"; };
  w.open();
  w.client.send(binary(ping()) + masked(final_bit | text_frame, ping()) + binary(ping()));
  CHECK(w.until_end() == plain(binary_frame, "reason") + plain_close(1003));
  CHECK(w.sink.seen == std::vector<std::string>{"ping"});
  CHECK(w.sink.malformed_reasons == std::vector<mqtt::Reason>{mqtt::Reason::protocol_error});
  CHECK(w.sink.causes.empty());
  CHECK(w.edge->connection_count() == 0);
}

TEST_CASE("bytes that are no MQTT end a WebSocket, too") {
  World w;
  w.open();
  w.client.send(binary(std::string("\x00\x00", 2)));
  CHECK(w.until_end() == plain_close(1000));
  CHECK(w.sink.malformed_reasons.size() == 1);
}

TEST_CASE("a client's close frame is answered with its code, behind the answers to its packets") {
  World w;
  w.answer_with("pong");
  w.open();
  w.client.send(binary(ping()) + close_of(1001));
  REQUIRE(w.receives(plain(binary_frame, "pong") + plain_close(1001)));
  CHECK(w.sink.causes == std::vector<CloseCause>{CloseCause::peer_closed});
  CHECK_FALSE(w.client.ended());  // it has a moment to be the first
  w.client.finish();
  w.until_end();
}

TEST_CASE("a browser does not close TCP before we do: we do after a moment") {
  World w;
  w.open();
  w.client.send(close_of(1000));
  REQUIRE(w.receives(plain_close(1000)));
  w.tick(limits::close_first_ms);
  w.until_end();
}

TEST_CASE("a refused upgrade is told in HTTP and the connection ends; no packet of it counts") {
  World w;
  w.client.send(upgrade_request("/mqtt", "mqtt", "Origin: https://evil.example\r\n") + binary(ping()));
  const std::string answer = w.until_end();
  CHECK(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"));
  CHECK(answer.ends_with("(listener.origins).\n"));
  CHECK(w.sink.seen.empty());
  CHECK(w.sink.causes == std::vector<CloseCause>{CloseCause::malformed});
}

TEST_CASE("plain MQTT at a WebSocket listener is told so at once") {
  World w;
  w.client.send(std::string("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", 14));
  CHECK(w.until_end().starts_with("HTTP/1.1 400 "));
  CHECK(w.sink.seen.empty());
}

TEST_CASE("the time to CONNECT goes on during the upgrade and after it") {
  for (const std::string& begun : {std::string("GET /mq"), upgrade_request(), upgrade_request() + ping_of("x")}) {
    World w;
    w.client.send(begun);
    w.run_turns(3);
    w.tick(5'000);
    w.run_turns(2);
    w.tick(5'000);
    REQUIRE(w.run_until([&] { return !w.sink.causes.empty(); }));
    CHECK(w.sink.causes == std::vector<CloseCause>{CloseCause::connect_timeout});
    w.until_end();
  }
}

TEST_CASE("pings of WebSocket are no packets: keep-alive runs out") {
  World w;
  w.open();
  w.client.send(binary(ping()));
  REQUIRE(w.run_until([&] { return w.sink.seen.size() == 1; }));
  w.sink.last->established(mqtt::Version::v311, 1, 0xFFFFFFFF);
  w.tick(1'000);
  w.client.send(ping_of("x"));
  REQUIRE(w.receives(plain(pong_frame, "x")));
  w.tick(500 + limits::keep_alive_slack_ms);
  w.until_end();
  CHECK(w.sink.causes == std::vector<CloseCause>{CloseCause::keep_alive_timeout});
}

TEST_CASE("a paused WebSocket hands over nothing; resumed, its packets and then its end") {
  for (const std::string& end : {close_of(1000), masked(final_bit | text_frame, "x")}) {
    for (const int packets : {1, 3}) {
      CAPTURE(packets);
      World w;
      w.open();
      w.sink.packet = [](Connection& connection, mqtt::Packet&) {
        connection.pause_reading();
        return true;
      };
      std::string in_frames;
      for (int i = 0; i < packets; ++i) in_frames += binary(ping());
      w.client.send(in_frames + end);
      for (int handed_over = 1; handed_over <= packets; ++handed_over) {
        REQUIRE(w.run_until([&] { return w.sink.seen.size() == static_cast<std::size_t>(handed_over); }));
        w.run_turns(3);
        CHECK(w.sink.seen.size() == static_cast<std::size_t>(handed_over));
        CHECK(w.sink.causes.size() + w.sink.malformed_reasons.size() == 0);
        w.sink.last->resume_reading();
      }
      REQUIRE(w.run_until([&] { return w.sink.causes.size() + w.sink.malformed_reasons.size() == 1; }));
      w.client.finish();
      w.until_end();
    }
  }
}

TEST_CASE("a full socket: frames stay whole, and a flood of pings takes no memory") {
  World w;
  w.open();
  w.client.send(binary(ping()));
  REQUIRE(w.run_until([&] { return w.sink.seen.size() == 1; }));
  Connection& connection = *w.sink.last;
  const std::string large(3'000'000, 'L');
  std::string wanted;
  const auto write = [&](const std::string& bytes) {
    connection.out() += bytes;
    connection.will_write();
    w.turn();
    wanted += bytes;
  };
  for (int i = 0; i < 4; ++i) write(large);
  REQUIRE(connection.unsent_bytes() > 0);
  const std::size_t unsent = connection.unsent_bytes();
  for (int i = 0; i < 200; ++i) w.client.send(ping_of(std::string(125, 'p')));
  w.run_turns(20);
  CHECK(connection.unsent_bytes() <= unsent);
  write("end");
  connection.close_after_flush();

  std::string payload;
  std::size_t pongs = 0;
  const std::string stream = w.until_end();
  for (std::size_t at = 0; at < stream.size();) {
    const auto opcode = static_cast<std::uint8_t>(stream[at] & 0x0F);
    std::uint64_t size = static_cast<std::uint8_t>(stream[at + 1]);
    std::size_t length_bytes = size == 127 ? 8 : size == 126 ? 2 : 0;
    if (length_bytes > 0) size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | static_cast<std::uint8_t>(stream[at + 2 + i]);
    at += 2 + length_bytes;
    REQUIRE(at + size <= stream.size());
    if (opcode == binary_frame) payload.append(stream, at, size);
    if (opcode == pong_frame) ++pongs;
    at += size;
  }
  CHECK(payload == wanted);
  CHECK(pongs <= 2);
  CHECK(stream.ends_with(plain_close(1000)));
}

TEST_CASE("what a WebSocket client said before a reset counts, also if writing meets the reset first") {
  World w;
  w.open();
  w.client.send(binary(ping()));
  REQUIRE(w.run_until([&] { return w.sink.seen.size() == 1; }));
  w.client.send(binary(publish(7) + disconnect()) + close_of(1000));
  w.client.reset();
  w.sink.last->out() += "lost";
  w.sink.last->will_write();
  w.edge->flush();
  REQUIRE(w.run_until([&] { return !w.sink.causes.empty(); }));
  CHECK(w.sink.seen == std::vector<std::string>{"ping", "publish 7", "disconnect"});
  CHECK(w.sink.causes == std::vector<CloseCause>{CloseCause::peer_closed});
}

TEST_CASE("a virtual IP is held for WebSocket as it will be served") {
  boost::asio::io_context loop;
  ScriptedSink sink;
  EdgeOptions options = websocket_options();
  options.listeners[0].address = "0.0.0.0";
  {
    Harness free_port;
    options.listeners[0].port = free_port.port();
  }
  options.virtual_ips = {"127.0.0.9"};
  Edge edge(loop, options, sink);
  REQUIRE(edge.hold_virtual_ips().ok());
  Client early(options.listeners[0].port, 0, 0x7F000009);
  early.send(upgrade_request() + binary(ping()));
  REQUIRE(edge.open_listeners().ok());
  edge.accept_clients();
  edge.tick(Steady{1'000});
  for (int i = 0; i < 1'000 && sink.seen.empty(); ++i) {
    loop.run_one_for(std::chrono::milliseconds(10));
    edge.flush();
  }
  CHECK(sink.seen == std::vector<std::string>{"ping"});
}
