// $SYS: names, what counts as changed, averages.
#include "broker/sys_topics.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::broker;

namespace {

std::string value_of(const SysTopics& topics, std::string_view topic) {
  const SysTopics::Changed found = topics.matching(topic);
  return found.size() == 1 ? std::string(found[0].second) : "none";
}

}  // namespace

TEST_CASE("$SYS: the names of Mosquitto, old ones too; only what has changed goes out again") {
  SysTopics topics;
  SysFigures figures;
  figures.clients_connected = 3;
  figures.sessions_away = 2;
  CHECK(topics.update(figures, {{"pair/protected", "1"}}, Steady{1'000}).size() >= 50);
  for (const char* const name : {"clients/connected", "clients/active", "clients/maximum"}) {
    CHECK(value_of(topics, std::string("$SYS/broker/") + name) == "3");
  }
  CHECK(value_of(topics, "$SYS/broker/clients/total") == "5");
  CHECK(value_of(topics, "$SYS/broker/retained messages/count") == "0");
  CHECK(value_of(topics, "$SYS/broker/pair/protected") == "1");
  figures.clients_connected = 1;
  const SysTopics::Changed changed = topics.update(figures, {{"pair/protected", "1"}}, Steady{11'000});
  std::vector<std::string_view> names;
  for (const auto& [topic, payload] : changed) names.push_back(topic);
  CHECK(names == std::vector<std::string_view>{"$SYS/broker/clients/active", "$SYS/broker/clients/connected",
                                               "$SYS/broker/clients/total"});
  CHECK(value_of(topics, "$SYS/broker/clients/maximum") == "3");
  topics.clear();
  CHECK(topics.matching("$SYS/#").empty());
}

TEST_CASE("$SYS: load is events a minute, averaged; a steady rate is reached and held") {
  SysTopics topics;
  SysFigures figures;
  topics.update(figures, {}, Steady{0});
  CHECK(value_of(topics, "$SYS/broker/load/publish/received/1min") == "0.00");
  for (int i = 1; i <= 100; ++i) {
    figures.publish_received += 20;  // 2 a second
    topics.update(figures, {}, Steady{i * 10'000});
  }
  CHECK(value_of(topics, "$SYS/broker/load/publish/received/1min") == "120.00");
  CHECK(std::stod(value_of(topics, "$SYS/broker/load/publish/received/15min")) < 120);
}
