#include "broker/passwords.hpp"

#include <utility>

#include "base/limits.hpp"

namespace tandem::broker {

namespace {

// As strong as what tandemctl writes, so that it takes as long.
edge::PasswordHash hash_of_nobody() {
  edge::PasswordHash hash;
  hash.iterations = limits::password_iterations;
  hash.salt = ByteBuffer(12, 'x');
  hash.hash = ByteBuffer(64, 'x');
  return hash;
}

}  // namespace

Passwords::Passwords(boost::asio::io_context& loop, std::function<void(ConnectionId, bool)> done)
    : hash_of_nobody_(hash_of_nobody()), checks_(loop, std::move(done)) {}

bool Passwords::check(ConnectionId id, std::string_view password_hash, ByteView password) {
  const Result<edge::PasswordHash> hash = edge::parse_password_hash(password_hash);
  return checks_.check(id, hash.ok() ? hash.value() : hash_of_nobody_, hash.ok(), password);
}

}  // namespace tandem::broker
