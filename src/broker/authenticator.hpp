// How clients prove who they are; the node is given what it offers (parts.hpp). By a password, or by enhanced
// authentication (MQTT 5.0, section 4.12): a method that both know, one AuthMechanism, in as many steps as it takes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "mqtt/reason.hpp"

namespace tandem::broker {

struct AuthStep {
  enum class Kind : std::uint8_t { more, success, refused };

  Kind kind = Kind::refused;
  std::string data;      // more, success: for the client, at most 65,535 bytes; empty: none
  std::string username;  // success: who the client is
  // refused: what its CONNACK says. A client that is connected always gets 0x87 (re-authentication).
  mqtt::Reason reason = mqtt::Reason::not_authorized;
};

// One client's way through a method. Belongs to its connection and dies with it.
class AuthExchange {
 public:
  virtual ~AuthExchange() = default;
  // Takes the client's bytes (empty: it sent none). The core waits for it: microseconds, and no I/O. Not called again
  // after success or refused.
  virtual AuthStep step(ByteView data) = 0;
};

class AuthMechanism {
 public:
  virtual ~AuthMechanism() = default;
  virtual std::string_view method() const = 0;  // its name in Authentication Method
  // `client_id`: what CONNECT says; empty if the client wants to be given one.
  virtual std::unique_ptr<AuthExchange> begin(std::string_view client_id) = 0;
};

// Passwords (CONNECT).
class PasswordCheck {
 public:
  virtual ~PasswordCheck() = default;
  // Compares with the user's hash (core::User) beside the core's thread; empty: there is no such user, or it has no
  // password; it takes as long all the same. The answer comes through Node::on_password_checked(), whether or not the
  // connection is still there. False: too many wait.
  virtual bool check(ConnectionId id, std::string_view password_hash, ByteView password) = 0;
};

}  // namespace tandem::broker
