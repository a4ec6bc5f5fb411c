// "SURE implies every acknowledged record is held", checked all the time and not only when such a box promotes itself;
// no acknowledgement with one copy beside a SURE standby (R1); a reign that is not marked UNCLEAN begins with
// everything acknowledged; no promotion from half-loaded State; after a pause the guard holds (R11).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "host.hpp"

namespace sim {

class SureCheck {
 public:
  explicit SureCheck(std::function<void(const std::string&)> broken) : broken_(std::move(broken)) {}
  // A crash left the peer's log at `last`: that is all there is to load.
  void shortened(int node, tandem::Lsn last) {
    tandem::Lsn& whole_at = whole_at_[static_cast<std::size_t>(1 - node)];
    if (last < whole_at) whole_at = last;
  }
  void booted(int node) { guarded_until_[static_cast<std::size_t>(node)] = {}; }
  // A box begins to replace its log or rows by the peer's: it is whole again once it has all that the peer has now.
  void cut(int node, Host& peer);
  void takes_over_unclean(int node, Host& host);
  // After each step of both boxes. `lossy`: two memories were lost at nearly the same time.
  void watch(std::array<Host*, 2> hosts, bool lossy);
  // A box stood still from `since` until now, by its own clock.
  void resumed(int node, Host& host, tandem::Steady since);

 private:
  struct Acked {  // the newest that a box's reigns have made safe
    tandem::Epoch epoch;
    tandem::Lsn lsn;
  };
  void note_acked(int node, Host& host);
  void watch_sure(int node, Host& host, Host& other);
  void watch_reign(int node, Host& host, Host& other, bool lossy);
  void watch_guard(int node, Host& host);

  std::function<void(const std::string&)> broken_;
  std::array<Acked, 2> acked_;
  std::array<tandem::Lsn, 2> whole_at_;
  std::array<bool, 2> served_{};
  std::array<std::optional<Acked>, 2> decided_;  // what the other box had acknowledged when this one began to promote
  std::array<tandem::Steady, 2> guarded_until_;  // by the box's own clock
};

}  // namespace sim
