// SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, without channel binding: client and server prove to each other
// that they know the password, which never crosses the wire. Bytes in, bytes out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::edge {

// What a server keeps of a password: enough to check a client, not to be one.
struct ScramVerifier {
  int iterations = 0;
  ByteBuffer salt;
  ByteBuffer stored_key;  // 32 bytes each
  ByteBuffer server_key;
};

// "SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY", all but the number in base64 (as PostgreSQL has it).
Result<ScramVerifier> parse_scram_verifier(std::string_view text);
// Takes about half a microsecond an iteration. The password's bytes are taken as they are: no SASLprep.
std::string make_scram_verifier(ByteView password, ByteView salt, int iterations);

// One exchange: two messages of the client, two answers.
class ScramServer {
 public:
  // Of the user; nullopt: there is none, or it has no such thing. `secret`: this process's own; `nonce`: nobody can
  // guess it, printable, without comma.
  using Find = std::function<std::optional<ScramVerifier>(std::string_view user)>;
  ScramServer(Find find, std::string_view secret, std::string nonce);

  struct Step {
    enum class Kind : std::uint8_t { more, success, refused };
    Kind kind = Kind::refused;
    std::string answer;
  };
  Step step(ByteView message);
  const std::string& user() const { return user_; }

 private:
  Step first(ByteView message);
  Step last(ByteView message);

  const Find find_;
  const std::string secret_;
  std::string nonce_;  // from the first message on: the client's, then this server's
  std::string user_;
  std::string header_;        // GS2, as the client sent it
  std::string first_bare_;    // of the client's first message
  std::string server_first_;  // empty: nothing came yet
  ScramVerifier verifier_;
  bool known_ = false;
};

}  // namespace tandem::edge
