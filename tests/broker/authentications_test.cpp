// What clients that authenticate may occupy.
#include "broker/authentications.hpp"

#include <memory>
#include <string>
#include <vector>

#include "base/limits.hpp"

#undef CHECK  // base/check.hpp's; in tests it is doctest's
#include <doctest/doctest.h>

namespace tandem::broker {

namespace {

class Silent final : public AuthExchange {
 public:
  AuthStep step(ByteView /*data*/) override { return {}; }
};

class Method final : public AuthMechanism {
 public:
  std::string_view method() const override { return "METHOD"; }
  std::unique_ptr<AuthExchange> begin(std::string_view /*client_id*/) override { return std::make_unique<Silent>(); }
};

}  // namespace

TEST_CASE("CONNECTs that wait for their exchange are bounded in bytes, all together; who is done leaves room") {
  Method method;
  Authentications authentications({&method});
  CHECK(authentications.mechanism("METHOD") == &method);
  CHECK(authentications.mechanism("method") == nullptr);
  const std::string payload(60'000, 'x');
  mqtt::Connect packet;
  packet.version = mqtt::Version::v5;
  packet.client_id = "id";
  packet.will.emplace().topic = "t";
  packet.will->payload = payload;
  std::uint32_t begun = 0;
  while (authentications.begin({begun, 1}, &method, packet) != nullptr) ++begun;
  CHECK(authentications.waiting_bytes() <= limits::max_auth_waiting_bytes);
  CHECK(authentications.waiting_bytes() > limits::max_auth_waiting_bytes - 100'000);
  authentications.end({0, 2});  // another connection of that slot
  CHECK(authentications.begin({begun, 1}, &method, packet) == nullptr);
  authentications.end({0, 1});
  CHECK(authentications.find({0, 1}) == nullptr);
  CHECK(authentications.begin({begun, 1}, &method, packet) != nullptr);
  Authentication* const done = authentications.find({1, 1});
  REQUIRE(done != nullptr);
  CHECK(authentications.take_connect(*done).size() > payload.size());
  CHECK(done->connected());
  CHECK(authentications.begin({begun + 1, 1}, &method, packet) != nullptr);
  for (std::uint32_t slot = 0; slot <= begun + 1; ++slot) authentications.end({slot, 1});
  CHECK(authentications.waiting_bytes() == 0);
}

}  // namespace tandem::broker
