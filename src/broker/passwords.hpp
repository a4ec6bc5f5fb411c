// Compares passwords with the hashes that State has of them (core::User::password_hash).
#pragma once

#include <functional>

#include "broker/authenticator.hpp"
#include "edge/password_checks.hpp"

namespace tandem::broker {

class Passwords final : public PasswordCheck {
 public:
  // `done`: as PasswordChecks.
  Passwords(boost::asio::io_context& loop, std::function<void(ConnectionId id, bool right)> done);

  bool check(ConnectionId id, std::string_view password_hash, ByteView password) override;

 private:
  const edge::PasswordHash hash_of_nobody_;
  edge::PasswordChecks checks_;
};

}  // namespace tandem::broker
