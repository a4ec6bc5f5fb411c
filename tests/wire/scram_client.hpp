// A client's side of SCRAM-SHA-256 (RFC 5802), written anew: it shares no line with the broker's.
#pragma once

#include <string>

namespace tandem::test {

class ScramClient {
 public:
  ScramClient(std::string user, std::string password) : user_(std::move(user)), password_(std::move(password)) {}
  std::string first();
  std::string last(const std::string& server_first);
  // What the server must say at the end.
  const std::string& server_final() const { return server_final_; }

 private:
  std::string user_;
  std::string password_;
  std::string first_bare_;
  std::string server_final_;
};

}  // namespace tandem::test
