#include "broker/scram_mechanism.hpp"

#include <utility>

#include "broker/random_text.hpp"
#include "core/access_rules.hpp"
#include "edge/scram.hpp"

namespace tandem::broker {

namespace {

class Exchange final : public AuthExchange {
 public:
  explicit Exchange(edge::ScramServer server) : server_(std::move(server)) {}

  AuthStep step(ByteView data) override {
    edge::ScramServer::Step step = server_.step(data);
    switch (step.kind) {
      case edge::ScramServer::Step::Kind::more:
        return {AuthStep::Kind::more, std::move(step.answer), {}};
      case edge::ScramServer::Step::Kind::success:
        return {AuthStep::Kind::success, std::move(step.answer), server_.user()};
      case edge::ScramServer::Step::Kind::refused:
        break;
    }
    return {};
  }

 private:
  edge::ScramServer server_;
};

}  // namespace

ScramMechanism::ScramMechanism(Find find, std::function<std::uint64_t()> random)
    : find_(std::move(find)), random_(std::move(random)), secret_(random_text(random_)) {}

std::unique_ptr<AuthExchange> ScramMechanism::begin(std::string_view /*client_id*/) {
  const auto verifier = [this](std::string_view name) -> std::optional<edge::ScramVerifier> {
    const core::User* const user = find_(name);
    if (user == nullptr) return std::nullopt;
    Result<edge::ScramVerifier> parsed = edge::parse_scram_verifier(user->scram);
    if (!parsed.ok()) return std::nullopt;
    return parsed.take();
  };
  return std::make_unique<Exchange>(edge::ScramServer(verifier, secret_, random_text(random_)));
}

}  // namespace tandem::broker
