// Requests and replies as JSON lines.
#include "admin/protocol.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::admin;

TEST_CASE("a request goes over as one line and comes back") {
  CHECK(to_line(Request{"status", ""}) == R"({"command":"status"})");
  CHECK(to_line(Request{"promote", "first"}) == R"({"command":"promote","how":"first"})");
  const auto request = parse_request(to_line(Request{"promote", "force"}));
  REQUIRE(request.ok());
  CHECK(request.value().command == "promote");
  CHECK(request.value().how == "force");
}

TEST_CASE("what is no request is an error; unknown keys and kinds do not matter") {
  for (const char* line :
       {"", "x", "[]", "{}", "{\"command\":1}", "{\"command\":\"status\"", "nul", "\xFF\xFE", "{\"a\":"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_request(line).ok());
  }
  CHECK_FALSE(parse_request(std::string(4000, '[')).ok());
  const auto request = parse_request(R"({"command":"status","how":7,"since":"2.0"})");
  REQUIRE(request.ok());
  CHECK(request.value().how.empty());
}

TEST_CASE("replies") {
  const auto message = parse_reply(reply_message("boxa is \"active\"\nnow"));
  REQUIRE(message.ok());
  CHECK(message.value().ok);
  CHECK(message.value().message == "boxa is \"active\"\nnow");
  CHECK(reply_message("a\nb").find('\n') == std::string::npos);

  const auto error = parse_reply(reply_error("refused: the peer is linked"));
  REQUIRE(error.ok());
  CHECK_FALSE(error.value().ok);
  CHECK(error.value().error == "refused: the peer is linked");

  const auto status = parse_reply(reply_status(R"({"protected":true,"self":{"name":"boxa"}})"));
  REQUIRE(status.ok());
  CHECK(status.value().status_json == R"({"protected":true,"self":{"name":"boxa"}})");
  CHECK(reply_error("bad \xFF byte").find("bad") != std::string::npos);

  for (const char* line : {"", "true", "{}", "{\"ok\":1}", "HTTP/1.1 400"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_reply(line).ok());
  }
}
