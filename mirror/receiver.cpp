// Contiguity of the live stream.
#include "mirror/receiver.hpp"

namespace tandem::mirror {

Verdict judge(const Batch& batch, Lsn last, Epoch epoch) {
  if (batch.epoch != epoch) return Verdict::foreign;
  if (batch.last() <= last) return Verdict::duplicate;
  if (batch.first == last.next()) return Verdict::apply;
  return batch.first > last ? Verdict::gap : Verdict::foreign;
}

}  // namespace tandem::mirror
