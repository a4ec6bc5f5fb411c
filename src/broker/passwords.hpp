// The users of security.password_file and their passwords. The file is followed: read at the start and when asked again
// (SIGHUP); connections that are open stay.
#pragma once

#include <functional>
#include <string>

#include "broker/authenticator.hpp"
#include "edge/password_checks.hpp"
#include "edge/password_file.hpp"

namespace tandem::broker {

class Passwords final : public PasswordCheck {
 public:
  // `done`: as PasswordChecks.
  Passwords(boost::asio::io_context& loop, std::string path, std::function<void(ConnectionId, bool right)> done);

  // What was read, in a sentence. Error: the file cannot be read; the users of before stay.
  Result<std::string> load();

  bool check(ConnectionId id, std::string_view username, ByteView password) override;

 private:
  const std::string path_;
  edge::PasswordFile file_;
  edge::PasswordHash hash_of_nobody_;
  edge::PasswordChecks checks_;
};

}  // namespace tandem::broker
