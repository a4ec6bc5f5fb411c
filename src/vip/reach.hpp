// Whether this box reaches anybody on the LAN: ICMP echo (RFC 792, RFC 4443) to a few hosts that are always there. A
// link that is up proves nothing about the switch behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/flow.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace tandem::vip {

class Reach {
 public:
  // `hosts`: addresses. Error: no raw socket; what is missing (CAP_NET_RAW).
  static Result<std::unique_ptr<Reach>> open(const std::vector<std::string>& hosts, std::uint16_t echo_id);
  ~Reach();
  Reach(const Reach&) = delete;
  Reach& operator=(const Reach&) = delete;

  // Asks those that are due, takes the answers that are here. True: one has answered within limits::reach_silent_ms.
  // Before the first answer it is false.
  bool somebody(Steady now);

 private:
  Reach() = default;
  void ask(const IpAddress& host) const;
  void take_answers(Steady now);
  bool answers(ByteView message, const IpAddress& from) const;

  std::vector<IpAddress> hosts_;
  std::uint16_t echo_id_ = 0;
  int v4_ = -1;
  int v6_ = -1;
  bool asked_ = false;
  Steady asked_at_;
  bool answered_ = false;
  Steady answered_at_;
};

}  // namespace tandem::vip
