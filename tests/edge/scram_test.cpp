// SCRAM-SHA-256: the exchange of RFC 7677, and what is refused.
#include "edge/scram.hpp"

#include <doctest/doctest.h>

#include "edge/base64.hpp"

namespace tandem::edge::test {

namespace {

using Kind = ScramServer::Step::Kind;

// RFC 7677, section 3: user "user", password "pencil".
const std::string client_nonce = "rOprNGfwEbeRWgbNEkqO";
const std::string server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string client_first = "n,,n=user,r=" + client_nonce;
const std::string server_first = "r=" + client_nonce + server_nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string client_final =
    "c=biws,r=" + client_nonce + server_nonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

std::optional<ScramVerifier> find(std::string_view user) {
  if (user != "user") return std::nullopt;
  return parse_scram_verifier(make_scram_verifier("pencil", *from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)).value();
}

ScramServer server() {
  return {find, "secret", server_nonce};
}

}  // namespace

TEST_CASE("the exchange of RFC 7677") {
  ScramServer scram = server();
  ScramServer::Step step = scram.step(client_first);
  CHECK(step.kind == Kind::more);
  CHECK(step.answer == server_first);
  step = scram.step(client_final);
  CHECK(step.kind == Kind::success);
  CHECK(step.answer == server_final);
  CHECK(scram.user() == "user");
}

TEST_CASE("a wrong proof, a stranger, and whatever is no such message are refused") {
  for (std::size_t at = 0; at < client_final.size(); ++at) {
    std::string changed = client_final;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    ScramServer scram = server();
    CHECK(scram.step(client_first).kind == Kind::more);
    CAPTURE(changed);
    CHECK(scram.step(changed).kind == Kind::refused);
  }
  for (const char* first :
       {"", "n", "n,,", "n,,n=user", "n,,n=user,r=", "n,a=x,n=user,r=abc", "p=tls-unique,,n=user,r=abc",
        "n,,m=ext,n=user,r=abc", "n,,n==2,r=abc", "n,,n=,r=abc", "n,,n=user,r=abc,x=1"}) {
    CAPTURE(first);
    ScramServer scram = server();
    CHECK(scram.step(first).kind == Kind::refused);
  }
  CHECK(server().step("n,,n=user,r=" + std::string(2'000, 'x')).kind == Kind::refused);
  ScramServer strange = server();
  const ScramServer::Step first = strange.step("n,,n=eve,r=abc");
  CHECK(first.kind == Kind::more);
  CHECK(server().step("n,,n=eve,r=abc").answer == first.answer);  // the same salt as before
  CHECK(strange.step("c=biws,r=abc" + server_nonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").kind ==
        Kind::refused);
}

TEST_CASE("a name with a comma and an equals sign is what it says") {
  ScramServer scram = server();
  CHECK(scram.step("n,,n=a=2Cb=3Dc,r=abc").kind == Kind::more);
  CHECK(scram.user() == "a,b=c");
}

TEST_CASE("a verifier that is none is refused") {
  const std::string good = make_scram_verifier("x", "salt", 1);
  CHECK(parse_scram_verifier(good).ok());
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(parse_scram_verifier(good.substr(0, size)).ok());
  for (const char* bad : {"SCRAM-SHA-256$0:AAAA$AAAA:AAAA", "SCRAM-SHA-256$:$:", "SCRAM-SHA-256$1:AAAA:AAAA"}) {
    CHECK_FALSE(parse_scram_verifier(bad).ok());
  }
}

}  // namespace tandem::edge::test
