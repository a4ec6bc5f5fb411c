// One client's work does not hold up the others.
#include <doctest/doctest.h>

#include "tests/wire/broker.hpp"

using namespace tandem::test;

TEST_CASE("a client whose messages match thousands of filters is read on turn by turn: others come in between") {
  constexpr int levels = 12;
  constexpr int messages = 1'000;
  const std::string prefix = unique("deep");
  Client subscriber = connected(5);
  std::string topic = prefix;
  for (int level = 0; level < levels; ++level) topic += "/a";
  std::vector<Filter> filters;
  for (unsigned number = 0; number < (1U << levels); ++number) {
    std::string filter = prefix;
    for (unsigned level = 0; level < levels; ++level) filter += (number >> level & 1U) != 0 ? "/+" : "/a";
    filters.push_back({filter, 0});
    if (filters.size() == 512) {
      subscriber.subscribe(filters);
      filters.clear();
    }
  }
  Client busy = connected(5);
  Client other = connected(5);
  other.ping();
  std::string flood;
  for (uint16_t pid = 1; pid <= messages; ++pid) {
    Publish publish = message_to(topic, "x", 1);
    publish.pid = pid;
    flood += encode_publish(publish, 5);
  }
  busy.send(flood);
  other.ping();  // four million filters are to be looked at; this is answered long before
  int answered = 0;
  while (busy.try_read(Millis(0))) ++answered;
  CHECK(answered < messages);
  while (answered < messages) {
    busy.expect(Type::puback, scaled(Millis(20'000)));
    ++answered;
  }
  subscriber.close();
}
