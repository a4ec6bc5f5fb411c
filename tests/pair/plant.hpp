// Publishers at QoS 1 and 2 and an absent subscriber with a persistent session: the load around a pair in the tests of
// faults, and the check of what came of it.
#pragma once

#include <functional>
#include <string>

#include "tests/pair/checks.hpp"
#include "tests/pair/node.hpp"

namespace tandem::test {

struct PlantOptions {
  std::string name = "t";  // topics NAME/q1 and NAME/q2
  uint32_t rate_per_s = 1'000;
  size_t payload_bytes = 0;
  Millis silence{500};
  Millis give_up{30'000};
  bool merged_late = false;
};

class Plant {
 public:
  explicit Plant(const std::vector<Endpoint>& endpoints, const PlantOptions& options = {});

  void start();
  // So many more messages of each are acknowledged.
  void goes_on(uint32_t messages = 200) const;
  uint32_t acked() const { return q1.acked() + q2.acked(); }
  // Publishers end; false: one gave up.
  bool finish();
  // The subscriber takes everything out; sentences about what is wrong.
  std::string verdict();
  void check();  // that nothing is

  Publisher q1;
  Publisher q2;
  Subscriber subscriber;
};

// A time that is the scenario, not a deadline.
void let_pass(Millis time);

}  // namespace tandem::test
