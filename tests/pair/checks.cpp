// See checks.hpp.
#include "tests/pair/checks.hpp"

#include <algorithm>

namespace tandem::test {

namespace {

constexpr size_t most_sentences = 20;

void add(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

bool in_gap(const std::vector<Gap>& gaps, SteadyTime time) {
  return std::any_of(gaps.begin(), gaps.end(), [time](const Gap& gap) { return gap.from <= time && time < gap.to; });
}

void add_lost(std::vector<std::string>& to, const std::vector<Gap>& gaps, const Publisher& publisher,
              const std::map<uint32_t, Received>& received) {
  size_t lost = 0;
  uint32_t first = 0;
  uint32_t last = 0;
  for (uint32_t number = 0; number < publisher.acked(); ++number) {
    if (received.contains(number) || in_gap(gaps, publisher.acked_at()[number])) continue;
    if (lost++ == 0) first = number;
    last = number;
  }
  if (lost == 0) return;
  to.push_back(publisher.options().topic + ": " + std::to_string(lost) + " of " + std::to_string(publisher.acked()) +
               " acknowledged messages are lost, from " + std::to_string(first) + " to " + std::to_string(last));
}

}  // namespace

std::vector<std::string> broken_promises(const Publisher& publisher, const Subscriber& subscriber) {
  std::vector<std::string> out = publisher.violations();
  add(out, subscriber.violations());
  std::map<uint32_t, Received> received = subscriber.received(publisher.options().topic);
  add_lost(out, {}, publisher, received);
  for (const auto& [number, message] : received) {
    if (number >= publisher.sent()) out.push_back("never sent: " + std::to_string(number));
    if (publisher.options().qos == 2 && message.times != 1) {
      out.push_back(publisher.options().topic + ": " + std::to_string(number) + " came " +
                    std::to_string(message.times) + " times at QoS 2");
    }
    if (out.size() > most_sentences) break;
  }
  return out;
}

std::vector<std::string> lost_outside(const std::vector<Gap>& gaps, const Publisher& publisher,
                                      const Subscriber& subscriber) {
  std::vector<std::string> out = publisher.violations();
  add(out, subscriber.violations());
  add_lost(out, gaps, publisher, subscriber.received(publisher.options().topic));
  return out;
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string out;
  for (const std::string& sentence : sentences) out += "\n  " + sentence;
  return out;
}

}  // namespace tandem::test
