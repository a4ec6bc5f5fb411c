// The files of a TLS listener: what is refused, and what the message says.
#include "certificates.hpp"
#include "edge/tls_context.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <fstream>

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

struct Files {
  Files() { authority.issue("server"); }
  // What is wrong, without the file's name; "" if nothing is.
  std::string problem(const std::string& of) const {
    const auto loaded = TlsContext::load(options);
    if (loaded.ok()) return "";
    const std::string& message = loaded.error().message;
    CHECK(message.substr(0, of.size() + 2) == of + ": ");
    return message.substr(std::min(message.size(), of.size() + 2));
  }
  void write(const std::string& path, const std::string& text) const { std::ofstream(path) << text; }

  Authority authority;
  TlsOptions options{.key_pairs = {{authority.file("server.pem"), authority.file("server.key")}}};
  TlsKeyPair& pair = options.key_pairs.front();
};

bool says(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  CHECK_MESSAGE(found, text);
  return found;
}

}  // namespace

TEST_CASE("good files: until when they are valid is known, of each file the earliest") {
  Files f;
  f.options.client_ca_file = f.authority.ca_file();
  f.authority.revoke({});
  f.options.client_crl_file = f.authority.file("crl.pem");
  f.authority.issue("sooner", {.valid_until_s = 5'000});
  std::ofstream(f.pair.cert_file, std::ios::app) << std::ifstream(f.authority.file("sooner.pem")).rdbuf();
  const auto loaded = TlsContext::load(f.options);
  REQUIRE(loaded.ok());
  const auto& expiries = loaded.value()->expiries();
  REQUIRE(expiries.size() == 3);
  const std::int64_t now_s = std::time(nullptr);
  CHECK(expiries[0].file == f.pair.cert_file);
  CHECK(std::abs(expiries[0].expires_s - now_s - 5'000) < 60);
  CHECK(std::abs(expiries[1].expires_s - now_s - 86'400) < 60);
  CHECK(expiries[2].revocations);
}

TEST_CASE("a secret key that others may read is refused; its group may") {
  Files f;
  for (const mode_t good : {0600U, 0400U, 0640U, 0440U}) {
    REQUIRE(::chmod(f.pair.key_file.c_str(), good) == 0);
    CHECK(f.problem(f.pair.key_file) == "");
  }
  for (const mode_t bad : {0644U, 0604U, 0660U, 0602U}) {
    REQUIRE(::chmod(f.pair.key_file.c_str(), bad) == 0);
    says(f.problem(f.pair.key_file), "chmod 0640");
  }
}

TEST_CASE("what is no certificate or no key is refused by its name") {
  Files f;
  const std::string certificate = f.pair.cert_file;
  f.pair.cert_file = f.authority.file("missing.pem");
  says(f.problem(f.pair.cert_file), "No such file");
  f.pair.cert_file = f.authority.file("folder");
  std::filesystem::create_directory(f.pair.cert_file);
  says(f.problem(f.pair.cert_file), "cannot be read");
  f.pair.cert_file = f.authority.file("text");
  f.write(f.pair.cert_file, "hello\n");
  says(f.problem(f.pair.cert_file), "has no certificate");
  f.write(f.pair.cert_file, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
  says(f.problem(f.pair.cert_file), "certificate 1 in it cannot be read");
  f.pair.cert_file = certificate;
  const std::string key = f.pair.key_file;
  f.pair.key_file = f.authority.file("text.key");
  f.write(f.pair.key_file, "hello\n");
  ::chmod(f.pair.key_file.c_str(), 0600);
  says(f.problem(f.pair.key_file), "has no secret key");
  f.authority.issue("other");
  f.pair.key_file = f.authority.file("other.key");
  says(f.problem(f.pair.key_file), "is not the key of the certificate in " + certificate);
  f.pair.key_file = key;
  f.options.client_ca_file = f.authority.file("text");
  f.write(f.options.client_ca_file, "hello\n");
  says(f.problem(f.options.client_ca_file), "has no certificate");
  f.options.client_ca_file = f.authority.ca_file();
  f.options.client_crl_file = f.authority.ca_file();
  says(f.problem(f.options.client_crl_file), "revocation list");
}

TEST_CASE("of several certificates each is read; all but the first need a DNS name, or no client would get them") {
  Files f;
  f.authority.issue("second", {.alternative_names = "DNS:b.example,IP:127.0.0.1", .valid_until_s = 5'000});
  f.options.key_pairs.push_back({f.authority.file("second.pem"), f.authority.file("second.key")});
  const auto loaded = TlsContext::load(f.options);
  REQUIRE(loaded.ok());
  REQUIRE(loaded.value()->expiries().size() == 2);
  CHECK(loaded.value()->expiries()[1].file == f.authority.file("second.pem"));
  CHECK(std::abs(loaded.value()->expiries()[1].expires_s - std::time(nullptr) - 5'000) < 60);
  f.options.key_pairs[1].key_file = f.authority.file("server.key");
  says(f.problem(f.authority.file("server.key")),
       "is not the key of the certificate in " + f.authority.file("second.pem"));
  for (const std::string names : {"", "IP:127.0.0.1", "email:b@b.example"}) {
    f.authority.issue("second", {.alternative_names = names});
    f.options.key_pairs[1].key_file = f.authority.file("second.key");
    says(f.problem(f.authority.file("second.pem")), "has no DNS name");
  }
}
