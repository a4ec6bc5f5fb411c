// Handshakes: who comes in and who does not, what stalls, and what the edge does meanwhile.
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <chrono>
#include <random>

#include "edge/tls_handshakes.hpp"
#include "tls_harness.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

// The edge has ended a handshake, and the client hears of it.
bool refused(TlsHarness& t, TlsPeer& peer) {
  const std::uint64_t before = t.failed();
  peer.shake_hands();  // TLS 1.3: the client's side is done before its certificate is looked at
  const bool heard = t.h.run_until([&] {
    peer.poll();
    return peer.ended();
  });
  peer.socket().close();
  return t.h.run_until([&] { return t.failed() == before + 1; }) && heard;
}

}  // namespace

TEST_CASE("only TLS 1.2 with AEAD suites and TLS 1.3") {
  TlsHarness t;
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    CAPTURE(version);
    TlsPeer old(t.h, {.version = version, .suites = "ALL:@SECLEVEL=0"});
    CHECK(refused(t, old));
  }
  for (const char* suites : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM8"}) {
    CAPTURE(suites);
    TlsPeer weak(t.h, {.version = TLS1_2_VERSION, .suites = suites});
    CHECK(refused(t, weak));
  }
  for (const char* suites :
       {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    TlsPeer good(t.h, {.version = TLS1_2_VERSION, .suites = suites});
    CHECK(good.shake_hands());
    CHECK(good.suite() == suites);
  }
  TlsPeer newest(t.h, {.version = TLS1_3_VERSION});
  CHECK(newest.shake_hands());
  CHECK(newest.suite().substr(0, 4) == "TLS_");
  CHECK(t.failed() == 5);
}

TEST_CASE("a client certificate: asked for, of the right authority, valid now") {
  TlsHarness t(ClientCertificate::required);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    const auto with = [&](PeerOptions options) {
      options.version = version;
      return options;
    };
    TlsPeer good(t.h, with(t.client()));
    CHECK(good.shake_hands());
    TlsPeer none(t.h, with({}));
    CHECK(refused(t, none));
    TlsPeer expired(t.h, with(t.client("old", {.valid_from_s = -2'000, .valid_until_s = -1'000})));
    CHECK(refused(t, expired));
    TlsPeer not_yet(t.h, with(t.client("new", {.valid_from_s = 1'000})));
    CHECK(refused(t, not_yet));
    Authority other;
    other.issue("stranger");
    TlsPeer stranger(t.h, with({.certificate = other.file("stranger.pem"), .key = other.file("stranger.key")}));
    CHECK(refused(t, stranger));
    CHECK(t.open(1));
  }
}

TEST_CASE("a client certificate may be optional; a bad one is refused all the same") {
  TlsHarness t(ClientCertificate::optional);
  TlsPeer none(t.h);
  CHECK(none.shake_hands());
  TlsPeer good(t.h, t.client());
  CHECK(good.shake_hands());
  TlsPeer expired(t.h, t.client("old", {.valid_from_s = -2'000, .valid_until_s = -1'000}));
  CHECK(refused(t, expired));
}

TEST_CASE("a certificate that was revoked is refused") {
  TlsHarness t(ClientCertificate::required);
  const PeerOptions good = t.client();
  const PeerOptions lost = t.client("lost");
  t.authority.revoke({"lost"});
  TlsOptions options = t.certificates->options();
  options.client_crl_file = t.authority.file("crl.pem");
  auto with_list = std::make_shared<TlsCertificates>(options);
  REQUIRE(with_list->load().ok());
  Harness h(TlsHarness::with_tls(Harness::default_options(), with_list, false));
  TlsPeer known(h, good);
  CHECK(known.shake_hands());
  CHECK(h.run_until([&] { return h.edge->connection_count() == 1; }));
  TlsPeer revoked(h, lost);
  revoked.shake_hands();
  CHECK(h.run_until([&] {
    revoked.poll();
    return revoked.ended();
  }));
  CHECK(h.edge->connection_count() == 1);
}

TEST_CASE("the user is the certificate's name") {
  const Wanted wanted{.common_names = {"press 7 \xC3\xA4"},
                      .alternative_names = "email:a@b.example,DNS:one,DNS:two,URI:urn:x"};
  const std::pair<UserNameFrom, std::string> names[] = {{UserNameFrom::connect, ""},
                                                        {UserNameFrom::subject_cn, wanted.common_names[0]},
                                                        {UserNameFrom::san_dns, "one"},
                                                        {UserNameFrom::san_email, "a@b.example"},
                                                        {UserNameFrom::san_uri, "urn:x"}};
  for (const auto& [from, name] : names) {
    CAPTURE(name);
    TlsHarness t(ClientCertificate::required, from);
    TlsPeer peer(t.h, t.client("client", wanted));
    REQUIRE(peer.shake_hands());
    peer.send(ping());
    REQUIRE(t.h.run_until([&] { return t.h.sink.seen.size() == 1; }));
    CHECK(t.h.sink.last->certificate_user() == name);
  }
}

TEST_CASE("a certificate without a clear name is refused; without any certificate nothing is proven") {
  TlsHarness t(ClientCertificate::optional, UserNameFrom::subject_cn);
  TlsPeer two(t.h, t.client("two", {.common_names = {"alice", "bob"}}));
  CHECK(refused(t, two));
  TlsPeer none_in_it(t.h, t.client("none", {.common_names = {}}));
  CHECK(refused(t, none_in_it));
  TlsPeer cut(t.h, t.client("nul", {.common_names = {std::string("root\0.evil", 10)}}));
  CHECK(refused(t, cut));
  TlsPeer without(t.h);
  REQUIRE(without.shake_hands());
  without.send(ping());
  REQUIRE(t.h.run_until([&] { return t.h.sink.seen.size() == 1; }));
  CHECK(t.h.sink.last->certificate_user().empty());
}

TEST_CASE("who stalls in the handshake is ended in time and disturbs nobody") {
  EdgeOptions options = Harness::default_options();
  options.connect_timeout_ms = 700;
  TlsHarness t(options, ClientCertificate::none, UserNameFrom::connect, false);
  Client silent(t.h.port());
  TlsPeer slow(t.h);
  slow.step();
  Client plain_mqtt(t.h.port());
  plain_mqtt.send(ping());
  TlsPeer quick(t.h);
  REQUIRE(quick.shake_hands());
  quick.send(ping());
  CHECK(t.h.run_until([&] { return t.h.sink.seen.size() == 1; }));
  for (Client* const client : {&silent, &slow.socket(), &plain_mqtt}) {
    CHECK(t.h.run_until([&] {
      client->poll();
      return client->ended() || client->broken();
    }));
  }
  CHECK(t.h.run_until([&] { return t.failed() == 3; }));
  CHECK(t.done() == 1);
  CHECK(t.h.edge->connection_count() == 1);
}

TEST_CASE("any bytes instead of a handshake: refused, and others are served") {
  TlsHarness t;
  std::mt19937 random(7);
  constexpr int strangers = 60;
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < strangers; ++i) {
    std::string bytes(1 + random() % 600, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (i % 2 == 0) bytes.replace(0, std::min<std::size_t>(bytes.size(), 5), std::string("\x16\x03\x01\x02\x00", 5));
    all.push_back(std::make_unique<Client>(t.h.port()));
    all.back()->send(bytes);
    all.back()->finish();
  }
  // Who leaves without a byte has not failed in anything.
  Client(t.h.port()).reset();
  Client(t.h.port()).finish();
  CHECK(t.h.run_until([&] { return t.failed() == strangers; }));
  TlsPeer peer(t.h);
  CHECK(peer.shake_hands());
  CHECK(t.open(1));
}

TEST_CASE("200 handshakes at once: the core has no part in them, and who is connected is answered meanwhile") {
  constexpr std::size_t storm = 200;
  Authority authority;
  EdgeOptions options = Harness::default_options();
  options.max_connections = 2 * storm;
  options.listeners.push_back({"127.0.0.1", 0});
  options.listeners.back().tls = TlsHarness::make(authority, ClientCertificate::none, UserNameFrom::connect);
  Harness h(options);
  Client pinging(h.port());
  std::vector<std::unique_ptr<TlsPeer>> peers;
  for (std::size_t i = 0; i < storm; ++i) {
    peers.push_back(std::make_unique<TlsPeer>(h, PeerOptions{.port = h.edge->ports().at(1)}));
    peers.back()->step();
    h.turn();
  }
  pinging.send(ping());
  int turns = 0;
  while (h.sink.seen.empty()) {
    h.turn();
    REQUIRE(++turns < 10);
  }
  // From here on no turn is run, and all come to their end nevertheless.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::size_t done = 0;
  while (done < storm && std::chrono::steady_clock::now() < deadline) {
    done = 0;
    for (const auto& peer : peers) done += peer->step() ? 1 : 0;
  }
  REQUIRE(done == storm);
  CHECK(h.run_until([&] { return h.edge->connection_count() == storm + 1; }));
}

TEST_CASE("handshakes are bounded: whoever asks is told that there is no room, until one of them is over") {
  TlsHarness t;
  std::vector<std::string> failures;
  TlsHandshakes few(
      t.h.loop, {.most = 2, .timeout_ms = 300},
      {.done = [](Newcomer) {}, .failed = [&](const Newcomer&, const std::string& why) { failures.push_back(why); }});
  const auto begin = [&] {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    few.begin({ClientSocket(ends[0]), {}, {}, "client"}, t.certificates->context());
    return ClientSocket(ends[1]);
  };
  const ClientSocket silent = begin();
  CHECK(few.room());
  begin();  // it leaves at once: no failure
  CHECK_FALSE(few.room());
  CHECK(t.h.run_until([&] { return few.room(); }));
  CHECK(failures.empty());
  CHECK(t.h.run_until([&] { return few.under_way() == 0; }));
  CHECK(failures == std::vector<std::string>{"not done in time"});
}

TEST_CASE("a reload is for who comes then; who is there stays") {
  TlsHarness t;
  TlsPeer before(t.h);
  REQUIRE(before.shake_hands());
  const auto old = t.certificates->context();
  t.authority.issue("server", {.common_names = {"renewed"}, .valid_until_s = 500'000});
  REQUIRE(t.certificates->load().ok());
  CHECK(t.certificates->context()->expiries()[0].expires_s > old->expiries()[0].expires_s + 400'000);
  TlsPeer after(t.h);
  REQUIRE(after.shake_hands());
  before.send(ping());
  after.send(ping());
  CHECK(t.h.run_until([&] { return t.h.sink.seen.size() == 2; }));
}

TEST_CASE(
    "on demotion handshakes are dropped, too, without a word to the sink; and the edge may go while some are under "
    "way") {
  TlsHarness t;
  TlsPeer peer(t.h);
  peer.step();
  t.h.run_turns(3);
  t.h.edge->close_all_connections();
  CHECK(t.h.run_until([&] {
    peer.socket().poll();
    return peer.ended();
  }));
  CHECK(t.done() + t.failed() == 0);
  TlsPeer again(t.h);
  CHECK(again.shake_hands());
  TlsPeer cut_short(t.h);
  cut_short.step();
  t.h.run_turns(1);
  t.h.edge.reset();
  CHECK(t.h.sink.causes.empty());
}
