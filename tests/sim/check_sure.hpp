// "SURE implies every acknowledged record is held", checked all the time and not only when such a box promotes itself;
// and no promotion from half-loaded State.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "host.hpp"

namespace sim {

class SureCheck {
 public:
  explicit SureCheck(std::function<void(const std::string&)> broken) : broken_(std::move(broken)) {}
  // A box begins to replace its log or rows by the peer's: it is whole again once it has all that the peer has now.
  void cut(int node, Host& peer);
  void takes_over_unclean(int node, Host& host);
  // After each step of both boxes.
  void watch(std::array<Host*, 2> hosts, std::int64_t now);

 private:
  struct Acked {  // the newest that a box's reigns have made safe
    tandem::Epoch epoch;
    tandem::Lsn lsn;
  };
  void note_acked(int node, Host& host);

  std::function<void(const std::string&)> broken_;
  std::array<Acked, 2> acked_;
  std::array<tandem::Lsn, 2> whole_at_;
};

}  // namespace sim
