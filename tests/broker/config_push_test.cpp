// The question and the answer of `tandemctl config push`, as both boxes tell them.
#include "broker/config_push.hpp"

#include "tests/vip/doctest.hpp"

using namespace tandem;
using namespace tandem::broker;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What the other box has understood of it.
ConfigPushInfo told(const ConfigPush& push) {
  NodeInfo info;
  info.config_push = push.info();
  return decode_info(encode(info)).config_push;
}

constexpr std::uint64_t run_here = 101;
constexpr std::uint64_t run_there = 102;

}  // namespace

TEST_CASE("config push: asked until it is answered, done once, and the answer is what the operator gets") {
  ConfigPush here(run_here);
  ConfigPush there(run_there);
  CHECK_FALSE(here.ordered());
  here.ask(7, run_there, Steady{1'000});
  CHECK(here.ordered());
  here.see(told(there), Steady{2'000});
  CHECK(has(here.reply(), R"("message":"")"));
  REQUIRE(there.wanted(told(here)));
  there.answer(7, std::string("written"));
  CHECK_FALSE(there.wanted(told(here)));
  here.see(told(there), Steady{3'000});
  CHECK(has(here.reply(), R"("message":"written")"));
  CHECK(here.info().asked == 0);
  here.ask(8, run_there, Steady{4'000});
  here.see(told(there), Steady{4'100});  // the answer to the one before
  CHECK(has(here.reply(), R"("message":"")"));
  there.answer(8, Error{"not\nhere\x1b[2J"});
  here.see(told(there), Steady{5'000});
  CHECK(has(here.reply(), R"("ok":false)"));
  CHECK(has(here.reply(), R"(not here\\x1b[2J)"));
}

TEST_CASE("config push: a box that does not answer, as one of an older release, is given up after 10 s") {
  ConfigPush here(run_here);
  here.ask(7, run_there, Steady{1'000});
  here.see({}, Steady{10'999});
  CHECK(has(here.reply(), R"("message":"")"));
  here.see({}, Steady{11'000});
  CHECK(has(here.reply(), "the other box did not answer"));
  CHECK(here.info().asked == 0);
}

TEST_CASE("config push: a tandemd that starts meanwhile does not do what its predecessor was asked for") {
  ConfigPush here(run_here);
  ConfigPush there(run_there);
  here.ask(7, run_there, Steady{1'000});
  REQUIRE(there.wanted(told(here)));
  there.answer(7, std::string("written"));
  ConfigPush successor(103);  // finds the question still there: the answer has not been read yet, or has been lost
  CHECK_FALSE(successor.wanted(told(here)));
  here.see(told(successor), Steady{2'000});
  CHECK(has(here.reply(), "the other box's tandemd was started anew meanwhile"));
  CHECK(here.info().asked == 0);
}

TEST_CASE("what the other box says of keys that are a box's own is not heard") {
  NodeInfo info;
  info.config = {{"control.socket", "\"/tmp/x\""}, {"listener 1.address", "\"::\""}, {"limits.max_sessions", "1"}};
  CHECK(decode_info(encode(info)).config == ConfigValues{{"limits.max_sessions", "1"}});
}
