// Listeners behind proxies: who may speak for clients, whose address counts then, and how a header may fail.
#include "base/limits.hpp"
#include "base/socket_address.hpp"
#include "edge/tls_certificates.hpp"
#include "proxy_headers.hpp"
#include "tls_harness.hpp"
#include "websocket_client.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

EdgeOptions behind(const std::string& proxies) {
  EdgeOptions options = Harness::default_options();
  options.listeners[0].trusted_proxies = {parse_network(proxies).value()};
  return options;
}

const std::string client_line = proxy_line("TCP4 192.0.2.1 192.0.2.10 4660 1883");

const Traffic& traffic(const Harness& h) {
  return h.edge->connections().traffic();
}

bool gone(Harness& h, Client& client) {
  return h.run_until([&] {
    client.poll();
    return client.ended() || client.broken();
  });
}

// Whose address the edge knows a client by that begins like this; "" if it does not let it in.
std::string remote_of(Harness& h, const std::string& header) {
  Client client(h.port());
  client.send(header + ping());
  const std::size_t before = h.sink.seen.size();
  REQUIRE(h.run_until([&] {
    client.poll();
    return h.sink.seen.size() > before || client.ended() || client.broken();
  }));
  if (h.sink.seen.size() == before) return "";
  const Connection& connection = *h.sink.last;
  CHECK(connection.flow().client == parse_address("127.0.0.1").value());
  CHECK(connection.flow().server_port == h.port());
  std::string remote = connection.remote();
  CHECK(remote.starts_with(to_text(connection.address(), 0).substr(0, remote.rfind(':'))));
  return remote;
}

}  // namespace

TEST_CASE("behind a proxy: the address that its header says is the client's, everywhere but in the TCP connection") {
  Harness h(behind("127.0.0.0/8"));
  CHECK(remote_of(h, client_line) == "192.0.2.1:4660");
  CHECK(remote_of(h, proxy_line("TCP6 fd00::1 fd00::2 4660 1883")) == "[fd00::1]:4660");
  CHECK(remote_of(h, proxy_block(0x21, 0x11, ipv4_ends)) == "192.0.2.1:4660");
  CHECK(remote_of(h, proxy_block(0x21, 0x21, ipv6_ends + tlvs)) == "[fd00::1]:4660");
  for (const std::string& own :
       {proxy_line("UNKNOWN"), proxy_block(0x20, 0, ""), proxy_block(0x21, 0x31, std::string(216, 'u'))}) {
    CHECK(remote_of(h, own).starts_with("127.0.0.1:"));
  }
}

TEST_CASE("behind a proxy: a header in pieces, a byte at a time") {
  for (const std::string& header : {client_line, proxy_block(0x21, 0x11, ipv4_ends + tlvs)}) {
    Harness h(behind("127.0.0.1"));
    Client client(h.port());
    for (const char c : header + ping()) {
      CHECK(h.sink.seen.empty());
      client.send({&c, 1});
      h.run_turns(2);
    }
    REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
    CHECK(h.sink.last->remote() == "192.0.2.1:4660");
  }
}

TEST_CASE("behind a proxy: who is no trusted proxy is reset, whatever it says, and counted") {
  Harness h(behind("127.0.0.9"));
  for (const std::string& says : {client_line + ping(), ping(), std::string()}) {
    Client stranger(h.port());
    stranger.send_some(says);
    CHECK(gone(h, stranger));
  }
  CHECK(traffic(h).proxy_strangers == 3);
  CHECK(traffic(h).proxy_headers_malformed == 0);
  CHECK(h.sink.seen.empty());
}

TEST_CASE("without proxy_protocol a header is no MQTT: nobody gives itself another address") {
  Harness h;
  Client client(h.port());
  std::string remote;
  h.sink.malformed = [&](Connection& connection) { remote = connection.remote(); };
  client.send(proxy_block(0x21, 0x11, ipv4_ends) + ping());
  CHECK(gone(h, client));
  CHECK(h.sink.seen.empty());
  CHECK(remote.starts_with("127.0.0.1:"));
}

TEST_CASE(
    "behind a proxy: a header that is none, is cut or does not come in time ends the connection, and is counted") {
  Harness h(behind("127.0.0.1"));
  CHECK(remote_of(h, "") == "");
  CHECK(remote_of(h, proxy_line("TCP4 192.0.2.1")) == "");
  CHECK(traffic(h).proxy_headers_malformed == 2);
  Client cut(h.port());
  cut.send(client_line.substr(0, 20));
  cut.finish();
  CHECK(gone(h, cut));
  CHECK(traffic(h).proxy_headers_malformed == 3);
  // A proxy that looks whether the port is there.
  Client probe(h.port());
  probe.finish();
  CHECK(gone(h, probe));
  Client silent(h.port());
  Client slow(h.port());
  slow.send(client_line.substr(0, 20));
  REQUIRE(h.quiet_behind(client_line));
  h.tick(100);
  h.tick(9'999);
  CHECK(traffic(h).proxy_headers_late == 0);
  h.tick(1);
  CHECK(traffic(h).proxy_headers_late == 2);
  CHECK(gone(h, silent));
  CHECK(gone(h, slow));
  CHECK(traffic(h).proxy_headers_malformed == 3);
}

TEST_CASE("behind a proxy: limits.max_connections_per_address counts clients, not their proxy") {
  EdgeOptions options = behind("127.0.0.1");
  options.max_connections_per_address = 1;
  Harness h(options);
  Client first(h.port());
  first.send(client_line);
  REQUIRE(h.run_until([&] { return h.edge->connection_count() == 1; }));
  Client again(h.port());
  again.send(client_line);
  CHECK(gone(h, again));
  Client other(h.port());
  other.send(proxy_line("TCP4 192.0.2.2 192.0.2.10 4660 1883"));
  CHECK(h.run_until([&] { return h.edge->connection_count() == 2; }));
  first.close();
  REQUIRE(h.run_until([&] { return h.edge->connection_count() == 1; }));
  Client later(h.port());
  later.send(client_line);
  CHECK(h.run_until([&] { return h.edge->connection_count() == 2; }));
}

TEST_CASE(
    "behind a proxy: who waits for its header counts among limits.max_connections, and goes when all are closed") {
  EdgeOptions options = behind("127.0.0.1");
  options.max_connections = 2;
  Harness h(options);
  Client first(h.port());
  Client second(h.port());
  h.run_turns(5);
  Client third(h.port());
  CHECK(gone(h, third));
  first.send(client_line + ping());
  CHECK(h.run_until([&] { return h.sink.seen.size() == 1; }));
  h.edge->close_all_connections();
  CHECK(gone(h, first));
  CHECK(gone(h, second));
  Client fourth(h.port());
  fourth.send(client_line.substr(0, 9));
  h.run_turns(5);
  h.edge.reset();  // a handler still knows it
  h.loop.restart();
  h.loop.poll();
  fourth.poll();
  CHECK(fourth.broken());
}

TEST_CASE("behind a proxy: TLS begins behind the header, also when both come in one piece") {
  for (const bool at_once : {true, false}) {
    CAPTURE(at_once);
    TlsHarness t(behind("127.0.0.1"), ClientCertificate::none, UserNameFrom::connect, false);
    TlsPeer peer(t.h, {.before = at_once ? proxy_block(0x21, 0x11, ipv4_ends + tlvs) : ""});
    if (!at_once) {
      peer.send_raw(client_line);
      t.h.run_turns(5);
    }
    REQUIRE(peer.shake_hands());
    peer.send(ping());
    REQUIRE(t.h.run_until([&] { return t.h.sink.seen.size() == 1; }));
    CHECK(t.h.sink.last->remote() == "192.0.2.1:4660");
    CHECK(t.failed() == 0);
    // TLS without a header.
    TlsPeer bare(t.h);
    CHECK_FALSE(bare.shake_hands());
    CHECK(traffic(t.h).proxy_headers_malformed == 1);
  }
}

TEST_CASE("behind a proxy: a WebSocket begins behind the header") {
  EdgeOptions options = behind("127.0.0.1");
  options.listeners[0].websocket = std::make_shared<const WebSocketOptions>(WebSocketOptions{{"/mqtt"}, {}});
  Harness h(options);
  Client client(h.port());
  client.send(client_line + upgrade_request() + binary(ping()));
  REQUIRE(h.run_until([&] { return h.sink.seen.size() == 1; }));
  CHECK(h.sink.last->remote() == "192.0.2.1:4660");
}
