// The standby's lease.
#include "mirror/lease.hpp"

#include <algorithm>

namespace tandem::mirror {

namespace {
// An echo counts from the nearest entry at or before its number, so a lease may end this much early. Keeps the list
// short.
constexpr std::int64_t sample_ms = 5;
}  // namespace

std::uint64_t Lease::number_confirm(Steady now) {
  ++last_number_;
  if (sent_.empty() || now.ms - sent_.back().at.ms >= sample_ms) sent_.push_back({last_number_, now});
  // An entry is of use only while it could still give a lease; the last one stays for echoes of later numbers.
  while (sent_.size() > 1 && now.ms - sent_[1].at.ms > lease_ms_) sent_.pop_front();
  return last_number_;
}

void Lease::echoed(std::uint64_t number) {
  if (number <= ignored_up_to_ || number > last_number_) return;
  for (auto sent = sent_.rbegin(); sent != sent_.rend(); ++sent) {
    if (sent->number > number) continue;
    if (sent->number <= ignored_up_to_) return;
    until_ms_ = std::max(until_ms_, sent->at.ms + lease_ms_);
    return;
  }
}

void Lease::drop() {
  ignored_up_to_ = last_number_;
  sent_.clear();
  until_ms_ = INT64_MIN;
}

}  // namespace tandem::mirror
