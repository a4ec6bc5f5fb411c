// Connections over TLS once they stand: bytes cut anywhere, large and small, ends, back-pressure, WebSocket inside.
#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>

#include "base/limits.hpp"
#include "tls_harness.hpp"
#include "websocket_client.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

// What comes is sent back.
void echo(Harness& h) {
  h.sink.packet = [](Connection& connection, mqtt::Packet& packet) {
    if (const auto* message = std::get_if<mqtt::Publish>(&packet)) {
      connection.out() += publish(message->payload.size(), message->payload.empty() ? 'x' : message->payload.front());
      connection.will_write();
    }
    return true;
  };
}

bool receives(Harness& h, TlsPeer& peer, const std::string& wanted) {
  return h.run_until([&] {
    peer.poll();
    return peer.received().size() >= wanted.size();
  }) && peer.received() == wanted;
}

}  // namespace

TEST_CASE("TLS 1.2 and 1.3: packets both ways, whatever pieces the records come in") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t piece_bytes : {0U, 1U, 2U, 5U, 100U}) {
      CAPTURE(version);
      CAPTURE(piece_bytes);
      TlsHarness t;
      echo(t.h);
      TlsPeer peer(t.h, {.version = version, .piece_bytes = piece_bytes});
      REQUIRE(peer.shake_hands());
      const std::string first = peer.sealed(ping());
      peer.send_raw(first + peer.sealed(publish(50)));
      REQUIRE(t.h.run_until([&] { return t.h.sink.seen.size() == 2; }));
      CHECK(t.h.sink.seen == std::vector<std::string>{"ping", "publish 50"});
      CHECK(receives(t.h, peer, publish(50)));
    }
  }
}

TEST_CASE("TLS: a packet in many records, many packets in one, and what came with the handshake's last bytes") {
  TlsHarness t;
  TlsPeer peer(t.h);
  // The client's last flight and its first packets in one piece.
  REQUIRE(t.h.run_until([&] {
    peer.poll();
    return !peer.socket().received().empty() || !peer.step();
  }));
  REQUIRE(t.h.run_until([&] { return peer.step(); }));
  std::string first;
  for (const char c : ping() + publish(3)) first += peer.sealed({&c, 1});
  peer.send_raw(first);
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += ping();
  peer.send(many);
  CHECK(t.h.run_until([&] { return t.h.sink.seen.size() == 2'002; }));
  CHECK(t.h.sink.count("ping") == 2'001);
}

TEST_CASE("TLS: a large message both ways, through a socket that is full again and again") {
  constexpr int answers = 6;  // more than the kernel takes for a client that does not read
  TlsHarness t;
  t.h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    for (int i = 0; i < answers; ++i) connection.out() += publish(2'000'000, 'y');
    connection.will_write();
    return true;
  };
  TlsPeer peer(t.h, {.receive_buffer_bytes = 16'384});
  REQUIRE(peer.shake_hands());
  peer.send(publish(2'000'000, 'y'));
  REQUIRE(t.h.run_until([&] { return t.h.sink.seen.size() == 1; }));
  CHECK(t.h.sink.seen.front() == "publish 2000000");
  t.h.run_turns(3);
  CHECK(t.h.sink.last->unsent_bytes() > 0);
  // More behind what waits: the record that is under way has been made already.
  t.h.sink.last->out() += publish(10);
  t.h.sink.last->will_write();
  std::string wanted;
  for (int i = 0; i < answers; ++i) wanted += publish(2'000'000, 'y');
  CHECK(receives(t.h, peer, wanted + publish(10)));
}

TEST_CASE("TLS: a connection is read at most once a turn, and no byte is left lying in the session") {
  TlsHarness t;
  TlsPeer peer(t.h);
  REQUIRE(peer.shake_hands());
  REQUIRE(t.open(1));
  peer.send(publish(300'000));
  std::uint64_t most = 0;
  REQUIRE(t.h.run_until([&] {
    t.h.loop.run_one_for(std::chrono::milliseconds(2));
    t.h.loop.poll();
    most = std::max(most, t.h.edge->bytes_read_this_turn());
    t.h.edge->flush();
    t.h.edge->new_turn();
    return t.h.sink.seen.size() == 1;
  }));
  CHECK(most <= limits::turn_bytes_per_connection);
}

TEST_CASE("TLS: a paused connection gets no packet; all are there when it is resumed, also those in the session") {
  TlsHarness t;
  TlsPeer peer(t.h);
  REQUIRE(peer.shake_hands());
  bool pause = true;
  t.h.sink.packet = [&](Connection& connection, mqtt::Packet&) {
    if (std::exchange(pause, false)) connection.pause_reading();
    return true;
  };
  std::string many;
  for (int i = 0; i < 200; ++i) many += publish(1'000);
  peer.send(many);
  REQUIRE(t.h.run_until([&] { return !t.h.sink.seen.empty(); }));
  t.h.run_turns(10);
  CHECK(t.h.sink.seen.size() == 1);
  t.h.sink.last->resume_reading();
  CHECK(t.h.run_until([&] { return t.h.sink.seen.size() == 200; }));
}

TEST_CASE("TLS: the client's close_notify, and its end of stream without one, are its end") {
  for (const bool in_order : {true, false}) {
    CAPTURE(in_order);
    TlsHarness t;
    TlsPeer peer(t.h);
    REQUIRE(peer.shake_hands());
    const std::string last = peer.sealed(ping());
    peer.send_raw(in_order ? last + peer.close_notify() : last);
    if (!in_order) peer.socket().finish();
    REQUIRE(t.h.run_until([&] { return t.h.sink.causes.size() == 1; }));
    CHECK(t.h.sink.seen.size() == 1);
    CHECK(t.h.sink.causes.front() == CloseCause::peer_closed);
    CHECK(t.open(0));
  }
}

TEST_CASE("TLS: our end in order has the last bytes and close_notify before it") {
  TlsHarness t;
  TlsPeer peer(t.h);
  REQUIRE(peer.shake_hands());
  t.h.sink.packet = [](Connection& connection, mqtt::Packet&) {
    connection.out() += publish(7);
    connection.close_after_flush();
    return true;
  };
  peer.send(ping());
  REQUIRE(t.h.run_until([&] {
    peer.poll();
    return peer.ended();
  }));
  CHECK(peer.received() == publish(7));
  CHECK(peer.heard_close_notify());
  CHECK_FALSE(peer.socket().broken());
}

TEST_CASE("TLS: a record that was changed on its way ends the connection") {
  TlsHarness t;
  TlsPeer peer(t.h);
  REQUIRE(peer.shake_hands());
  std::string bytes = peer.sealed(publish(100));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  peer.send_raw(bytes);
  REQUIRE(t.h.run_until([&] { return t.h.sink.causes.size() == 1; }));
  CHECK(t.h.sink.seen.empty());
}

TEST_CASE("TLS 1.3: a client may change its keys at any time, and have us change ours") {
  TlsHarness t;
  echo(t.h);
  TlsPeer peer(t.h, {.version = TLS1_3_VERSION});
  REQUIRE(peer.shake_hands());
  peer.ask_key_update();
  peer.send(publish(5));
  CHECK(receives(t.h, peer, publish(5)));
}

TEST_CASE("TLS 1.2: no second handshake") {
  TlsHarness t;
  TlsPeer peer(t.h, {.version = TLS1_2_VERSION});
  REQUIRE(peer.shake_hands());
  peer.ask_renegotiation();
  CHECK(t.h.run_until([&] { return !peer.step() && (peer.failed() || peer.ended()); }));
}

TEST_CASE("WebSocket over TLS") {
  TlsHarness t(ClientCertificate::none, UserNameFrom::connect, true);
  TlsPeer peer(t.h);
  REQUIRE(peer.shake_hands());
  peer.send(upgrade_request() + binary(ping()));
  REQUIRE(t.h.run_until([&] { return t.h.sink.seen.size() == 1; }));
  t.h.sink.last->out() += publish(2);
  t.h.sink.last->close_after_flush();
  REQUIRE(t.h.run_until([&] {
    peer.poll();
    return peer.ended();
  }));
  CHECK(peer.received().find("101 Switching Protocols") != std::string::npos);
  CHECK(peer.received().find(plain(binary_frame, publish(2)) + plain_close(1000)) != std::string::npos);
  CHECK(peer.heard_close_notify());
}
