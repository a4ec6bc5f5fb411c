// Several certificates of one TLS listener: which of them a client gets (SNI).
#include "edge/server_names.hpp"

#include <openssl/ssl.h>

#include "tls_harness.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

ServerNames names() {
  ServerNames made;
  made.add("mqtt.example", 0);
  made.add("*.plant.example", 1);
  made.add("Line1.Plant.example", 2);
  made.add("mqtt.example", 2);  // the first one keeps it
  made.add("*", 3);
  made.add("f*.example", 3);
  return made;
}

constexpr std::size_t none = 99;

std::size_t place(std::string_view asked) {
  return names().place_of(asked).value_or(none);
}

// A harness whose listener has "server", then these.
struct Several {
  explicit Several(ClientCertificate wanted = ClientCertificate::none) : t(wanted) {
    t.authority.issue("second", {.common_names = {"second"}, .alternative_names = "DNS:b.example,DNS:*.b.example"});
    t.authority.issue("third", {.common_names = {"third"}, .alternative_names = "DNS:exact.b.example,DNS:c.example"});
    TlsOptions options = t.certificates->options();
    for (const std::string name : {"second", "third"}) {
      options.key_pairs.push_back({t.authority.file(name + ".pem"), t.authority.file(name + ".key")});
    }
    certificates = std::make_shared<TlsCertificates>(options);
    REQUIRE(certificates->load().ok());
    EdgeOptions of_edge = Harness::default_options();
    of_edge.listeners[0].tls = certificates;
    t.h.edge = std::make_unique<Edge>(t.h.loop, of_edge, t.h.sink);
    REQUIRE(t.h.edge->open_listeners().ok());
    t.h.edge->accept_clients();
    t.h.edge->tick(t.h.now);
  }
  // The common name of the certificate that a client is shown.
  std::string shown(PeerOptions options, const std::string& asked) {
    options.server_name = asked;
    TlsPeer peer(t.h, options);
    return peer.shake_hands() ? peer.server() : "no handshake";
  }

  TlsHarness t;
  std::shared_ptr<TlsCertificates> certificates;
};

}  // namespace

TEST_CASE("server names: exact before wildcard, of one label only, letters large or small") {
  CHECK(place("mqtt.example") == 0);
  CHECK(place("MQTT.Example") == 0);
  CHECK(place("line2.plant.example") == 1);
  CHECK(place("line1.plant.example") == 2);
  for (const char* unknown : {"", ".", "plant.example", ".plant.example", "a.b.plant.example", "example", "foo.example",
                              "mqtt.example.", "mqtt.example.org", "xmqtt.example", "192.0.2.10", "localhost"}) {
    CAPTURE(unknown);
    CHECK(place(unknown) == none);
  }
}

TEST_CASE("the name that a client asks for chooses the certificate; no name, or an unknown one: the first") {
  Several s;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t piece_bytes : {0U, 1U}) {
      CAPTURE(version);
      CAPTURE(piece_bytes);
      const PeerOptions options{.version = version, .piece_bytes = piece_bytes};
      CHECK(s.shown(options, "") == "server");
      CHECK(s.shown(options, "localhost") == "server");
      CHECK(s.shown(options, "nobody.example") == "server");
      CHECK(s.shown(options, "b.example") == "second");
      CHECK(s.shown(options, "any.b.example") == "second");
      CHECK(s.shown(options, "exact.b.example") == "third");
      CHECK(s.shown(options, "C.EXAMPLE") == "third");
      CHECK(s.shown(options, "x.any.b.example") == "server");
    }
  }
}

TEST_CASE("whichever certificate was chosen, whose clients come in is the same") {
  Several s(ClientCertificate::required);
  const PeerOptions good = s.t.client();
  Authority other;
  other.issue("stranger");
  for (const std::string asked : {"localhost", "b.example", "c.example"}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CAPTURE(asked);
      CAPTURE(version);
      PeerOptions options = good;
      options.version = version;
      options.server_name = asked;
      TlsPeer peer(s.t.h, options);
      REQUIRE(peer.shake_hands());
      peer.send(ping());
      const std::size_t before = s.t.h.sink.seen.size();
      REQUIRE(s.t.h.run_until([&] { return s.t.h.sink.seen.size() == before + 1; }));
      for (const PeerOptions& bad : {PeerOptions{.version = version, .server_name = asked},
                                     PeerOptions{.certificate = other.file("stranger.pem"),
                                     .key = other.file("stranger.key"),
                                     .version = version,
                                     .server_name = asked}}) {
        const std::uint64_t failed = s.t.failed();
        TlsPeer stranger(s.t.h, bad);
        stranger.shake_hands();
        CHECK(s.t.h.run_until([&] {
          stranger.poll();
          return s.t.failed() == failed + 1;
        }));
      }
    }
  }
}

TEST_CASE("read again: a new certificate for one name, while connections of before go on") {
  Several s;
  TlsPeer before(s.t.h, {.server_name = "b.example"});
  REQUIRE(before.shake_hands());
  REQUIRE(s.t.open(1));
  s.t.authority.issue("second", {.common_names = {"renewed"}, .alternative_names = "DNS:b.example,DNS:d.example"});
  REQUIRE(s.certificates->load().ok());
  CHECK(s.shown({}, "b.example") == "renewed");
  CHECK(s.shown({}, "d.example") == "renewed");
  CHECK(s.shown({}, "any.b.example") == "server");
  before.send(ping());
  CHECK(s.t.h.run_until([&] { return s.t.h.sink.seen.size() == 1; }));
  // One of them is bad: all stay as they are.
  s.t.authority.issue("third", {.common_names = {"nameless"}});
  CHECK_FALSE(s.certificates->load().ok());
  CHECK(s.shown({}, "c.example") == "third");
}
