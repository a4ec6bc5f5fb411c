// See plant.hpp.
#include "tests/pair/plant.hpp"

#include <doctest/doctest.h>

namespace tandem::test {

namespace {

PublisherOptions publisher_options(const std::vector<Endpoint>& endpoints, const PlantOptions& options, uint8_t qos) {
  PublisherOptions out;
  out.endpoints = endpoints;
  out.client_id = options.name + "-publisher-q" + std::to_string(qos);
  out.version = qos == 1 ? 4 : 5;
  out.topic = options.name + "/q" + std::to_string(qos);
  out.qos = qos;
  out.rate_per_s = options.rate_per_s;
  out.payload_bytes = options.payload_bytes;
  out.silence = options.silence;
  out.give_up = options.give_up;
  return out;
}

SubscriberOptions subscriber_options(const std::vector<Endpoint>& endpoints, const PlantOptions& options) {
  SubscriberOptions out;
  out.endpoints = endpoints;
  out.client_id = options.name + "-subscriber";
  out.version = 5;
  out.filter = options.name + "/#";
  out.merged_late = options.merged_late;
  return out;
}

}  // namespace

Plant::Plant(const std::vector<Endpoint>& endpoints, const PlantOptions& options)
    : q1(publisher_options(endpoints, options, 1)),
      q2(publisher_options(endpoints, options, 2)),
      subscriber(subscriber_options(endpoints, options)) {
  subscriber.make_session();
}

void Plant::start() {
  q1.start_endless();
  q2.start_endless();
  goes_on();
}

void Plant::goes_on(uint32_t messages) const {
  uint32_t before_q1 = q1.acked();
  uint32_t before_q2 = q2.acked();
  until([&] { return q1.acked() > before_q1 + messages && q2.acked() > before_q2 + messages; }, "publishing goes on");
}

bool Plant::finish() {
  bool q1_done = q1.finish();
  bool q2_done = q2.finish();
  return q1_done && q2_done;
}

std::string Plant::verdict() {
  subscriber.go_online();
  subscriber.await_count(q1.options().topic, q1.sent());
  subscriber.await_count(q2.options().topic, q2.sent());
  subscriber.go_offline();
  return joined(broken_promises(q1, subscriber)) + joined(broken_promises(q2, subscriber));
}

void Plant::check() {
  const std::string wrong = verdict();
  CHECK_MESSAGE(wrong.empty(), wrong);
}

void let_pass(Millis time) {
  SteadyTime start = std::chrono::steady_clock::now();
  until([&] { return std::chrono::steady_clock::now() - start >= time; }, "some time", time + Millis(20'000));
}

}  // namespace tandem::test
