// A member of a shared group goes for good: its messages go to the other members.
#include "broker/active.hpp"
#include "core/hand_on.hpp"

namespace tandem::broker {

void Active::hand_on(const core::Session* ending) {
  if (ending == nullptr) return;
  core::HandOnVerdict verdict;
  core::Sequence at = 0;
  while (core::decide_hand_on(*state_, policy_, *ending, log_.time(), at, verdict)) {
    const Lsn lsn = record_if(verdict.recorded, core::Record(verdict.record));
    core::Applying to = applying(lsn);
    core::apply(to, verdict.record);
    show(lsn);
  }
}

}  // namespace tandem::broker
