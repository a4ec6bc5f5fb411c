// A password's hash as Mosquitto's tools write it: "$6$" (SHA-512, one round) and "$7$" (PBKDF2-HMAC-SHA-512).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::edge {

struct PasswordHash {
  int iterations = 0;  // of PBKDF2; 0: one round of SHA-512
  ByteBuffer salt;
  ByteBuffer hash;  // 64 bytes
};

// "$6$SALT$HASH" or "$7$ITERATIONS$SALT$HASH", both in base64. Error: what is wrong with the text; it holds no part of
// it.
Result<PasswordHash> parse_password_hash(std::string_view text);

// PBKDF2-HMAC-SHA-512. A salt of 12 bytes is what Mosquitto 2.0 reads as well.
std::string make_password_hash(ByteView password, ByteView salt, int iterations);

// Takes as long as the hash is strong (about a microsecond an iteration): never on the core thread. The time does not
// tell how much of the password is right.
bool matches(const PasswordHash& hash, ByteView password);

}  // namespace tandem::edge
