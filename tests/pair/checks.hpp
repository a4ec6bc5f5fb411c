// What must hold between publishers and a subscriber when all is said and done.
#pragma once

#include <string>
#include <vector>

#include "tests/pair/publisher.hpp"
#include "tests/pair/subscriber.hpp"

namespace tandem::test {

// Every message that was acknowledged came, QoS 2 exactly once, and nobody saw a broken rule. The sentences
// are for people; none is good.
std::vector<std::string> broken_promises(const Publisher& publisher, const Subscriber& subscriber);

// A time in which acknowledged messages may have been lost.
struct Gap {
  SteadyTime from;
  SteadyTime to;
};

// As above, but messages acknowledged in a gap need not have come, and repeats are not looked at.
std::vector<std::string> lost_outside(const std::vector<Gap>& gaps, const Publisher& publisher,
                                      const Subscriber& subscriber);

std::string joined(const std::vector<std::string>& sentences);

}  // namespace tandem::test
