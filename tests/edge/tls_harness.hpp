// An edge with one TLS listener, and the authority that its certificates come from.
#pragma once

#include "certificates.hpp"
#include "edge/tls_certificates.hpp"
#include "tls_peer.hpp"

#include <doctest/doctest.h>

namespace tandem::edge::test {

struct TlsHarness {
  explicit TlsHarness(ClientCertificate wanted = ClientCertificate::none,
                      UserNameFrom username_from = UserNameFrom::connect, bool websocket = false)
      : TlsHarness(EdgeOptions(Harness::default_options()), wanted, username_from, websocket) {}
  TlsHarness(EdgeOptions options, ClientCertificate wanted, UserNameFrom username_from, bool websocket)
      : certificates(make(authority, wanted, username_from)),
        h(with_tls(std::move(options), certificates, websocket)) {}

  static TlsOptions tls_options(const Authority& authority) {
    TlsOptions options;
    options.key_pairs = {{authority.file("server.pem"), authority.file("server.key")}};
    return options;
  }
  static std::shared_ptr<TlsCertificates> make(Authority& authority, ClientCertificate wanted, UserNameFrom from) {
    authority.issue("server", {.common_names = {"server"}, .alternative_names = "DNS:localhost,IP:127.0.0.1"});
    TlsOptions options = tls_options(authority);
    if (wanted != ClientCertificate::none) options.client_ca_file = authority.ca_file();
    options.client_certificate = wanted;
    options.username_from = from;
    auto made = std::make_shared<TlsCertificates>(options);
    const Status loaded = made->load();
    REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
    return made;
  }
  static EdgeOptions with_tls(EdgeOptions options, std::shared_ptr<const TlsCertificates> tls, bool websocket) {
    options.listeners[0].tls = std::move(tls);
    if (websocket) {
      options.listeners[0].websocket = std::make_shared<const WebSocketOptions>(WebSocketOptions{{"/mqtt"}, {}});
    }
    return options;
  }

  PeerOptions client(const std::string& name = "client", const Wanted& wanted = {}) {
    authority.issue(name, wanted);
    return {.certificate = authority.file(name + ".pem"), .key = authority.file(name + ".key")};
  }
  std::uint64_t done() const { return h.edge->connections().traffic().tls_handshakes_done; }
  std::uint64_t failed() const { return h.edge->connections().traffic().tls_handshakes_failed; }
  // The edge knows that the handshake is over; the client knows it before.
  bool open(std::size_t count) {
    return h.run_until([&] { return h.edge->connection_count() == count; });
  }

  Authority authority;
  std::shared_ptr<TlsCertificates> certificates;
  Harness h;
};

}  // namespace tandem::edge::test
