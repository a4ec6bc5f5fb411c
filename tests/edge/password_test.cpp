// Passwords: the hashes of Mosquitto's tools, its files, and comparing them beside the core's thread.
#include "edge/password_file.hpp"

#include <doctest/doctest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <map>

#include "edge/password_checks.hpp"

namespace tandem::edge::test {

namespace {

// As mosquitto_passwd writes them for the password "secret"; carol's as release 2.1 does.
constexpr const char* alice =
    "$6$AAECAwQFBgcICQoL$JqsxEv/ucyxjA5DKsQ+Y8CDWaQDNQI9FpAkmfwAqWfwZLk/JEGgM0EpylrJHAZKKyFQjJeZ3nFaHjPzOzPPmPw==";
constexpr const char* bob =
    "$7$101$AAECAwQFBgcICQoL$Xr99N9ym9ys8TWxis5ajETJq6EVYzmc6nb8t3pUYnPBbCAbICS4xejTltonXWCtJNBvA+By+TXUqU6qCblO00w==";
constexpr const char* carol =
    "$7$1000$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$"
    "j5aX3DstWRgO5cjjfvKvsf7Z/KK812T4wGDMih+DCHQg8P7++fmj4sZcMp1smkEafZL0QZ29tE5ezahL/nyffw==";

}  // namespace

TEST_CASE("the hashes that Mosquitto's tools write") {
  for (const char* text : {alice, bob, carol}) {
    CAPTURE(text);
    const Result<PasswordHash> hash = parse_password_hash(text);
    REQUIRE(hash.ok());
    CHECK(matches(hash.value(), "secret"));
    for (const ByteView wrong : {ByteView("Secret"), ByteView(""), ByteView("secret "), ByteView("secret\0", 7)}) {
      CHECK_FALSE(matches(hash.value(), wrong));
    }
  }
}

TEST_CASE("a hash that is none is refused with a reason, whatever is wrong with it") {
  const std::string good = bob;
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(parse_password_hash(good.substr(0, size)).ok());
  for (const std::string& text :
       {std::string("secret"), std::string("$5$AAAA$AAAA"), "$7$0" + good.substr(6), "$7$-1" + good.substr(6),
        "$7$1000001" + good.substr(6), "$7$1e3" + good.substr(6), "$7$$" + good.substr(7), good + "$", good + "A",
        "$6" + good.substr(2), std::string("$7$101$$") + good.substr(24)}) {
    CAPTURE(text);
    const Result<PasswordHash> hash = parse_password_hash(text);
    REQUIRE_FALSE(hash.ok());
    CHECK_FALSE(hash.error().message.empty());
  }
}

TEST_CASE("a password file: comments, lines that are wrong, a user twice") {
  const std::string text = "# users\n\nalice:" + std::string(alice) + "\r\n  bob : " + bob +
                           " :more\nnobody\ndave:plain\n" + ":" + bob + "\nalice:" + carol;
  const PasswordFile file = parse_password_file(text);
  REQUIRE(file.users.size() == 2);
  CHECK(file.users.at("alice") == carol);
  CHECK(file.users.at("bob") == bob);
  REQUIRE(file.problems.size() == 4);
  CHECK(file.problems[0].starts_with("line 5: "));
  CHECK(file.problems[1].starts_with("line 6: "));
  CHECK(file.problems[2].starts_with("line 7: "));
  CHECK(file.problems[3].starts_with("line 8: "));
  for (const std::string& problem : file.problems) CHECK(problem.find("plain") == std::string::npos);
}

TEST_CASE("a password file that cannot be read says so") {
  const Result<PasswordFile> file = read_password_file("/nonexistent/passwd");
  REQUIRE_FALSE(file.ok());
  CHECK(file.error().message.find("/nonexistent/passwd") != std::string::npos);
}

TEST_CASE("checks are answered on the loop, each once; too many are refused; an unknown user is never right") {
  boost::asio::io_context loop{1};
  std::map<std::uint32_t, bool> answers;
  std::size_t taken = 0;
  PasswordChecks checks(loop, [&](ConnectionId id, bool right) {
    CHECK(answers.emplace(id.slot, right).second);
    if (answers.size() == taken) loop.stop();
  });
  const PasswordHash hash = parse_password_hash(carol).take();
  std::uint32_t slot = 0;
  CHECK(checks.check({slot++, 1}, hash, true, "secret"));
  CHECK(checks.check({slot++, 1}, hash, true, "wrong"));
  CHECK(checks.check({slot++, 1}, hash, false, "secret"));
  CHECK(checks.check({slot++, 1}, hash, true, "secret"));  // known from before
  CHECK(checks.check({slot++, 1}, hash, true, "secret "));
  PasswordHash other = hash;  // the same bytes, but not of this password
  ++other.iterations;
  CHECK(checks.check({slot++, 1}, other, true, "secret"));
  CHECK(checks.check({slot++, 1}, hash, false, "secret"));
  bool refused = false;
  while (!refused && slot < 100'000) {
    refused = !checks.check({slot, 1}, hash, true, "secret");
    if (!refused) ++slot;
  }
  CHECK(refused);
  taken = slot;
  const auto work = boost::asio::make_work_guard(loop);
  loop.run();
  CHECK(answers.size() == taken);
  CHECK(answers.at(0));
  CHECK_FALSE(answers.at(1));
  CHECK_FALSE(answers.at(2));
  CHECK(answers.at(3));
  CHECK_FALSE(answers.at(4));
  CHECK_FALSE(answers.at(5));
  CHECK_FALSE(answers.at(6));
}

}  // namespace tandem::edge::test
