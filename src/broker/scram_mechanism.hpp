// SCRAM-SHA-256 as a method of enhanced authentication, for the users that State has a verifier of.
#pragma once

#include <functional>
#include <string>

#include "broker/authenticator.hpp"

namespace tandem::core {
struct User;
}

namespace tandem::broker {

class ScramMechanism final : public AuthMechanism {
 public:
  using Find = std::function<const core::User*(std::string_view name)>;
  ScramMechanism(Find find, std::function<std::uint64_t()> random);

  std::string_view method() const override { return "SCRAM-SHA-256"; }
  std::unique_ptr<AuthExchange> begin(std::string_view client_id) override;

 private:
  const Find find_;
  const std::function<std::uint64_t()> random_;
  const std::string secret_;
};

}  // namespace tandem::broker
