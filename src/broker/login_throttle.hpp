// Wrong logins by the address that they come from: beyond so many at once, and so many a second, an address is not
// listened to for a while. Never by the user: nobody can lock a client out by its name.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/flow.hpp"
#include "base/ids.hpp"

namespace tandem::broker {

class LoginThrottle {
 public:
  bool may_try(const IpAddress& address, Steady now);
  void failed(const IpAddress& address, Steady now);
  std::size_t size() const { return failures_.size(); }

 private:
  struct Failures {
    std::int64_t forgiven_at_ms = 0;  // when the last of them is forgiven; each takes a second
  };
  void make_room(Steady now);

  std::unordered_map<std::uint64_t, Failures> failures_;
};

}  // namespace tandem::broker
