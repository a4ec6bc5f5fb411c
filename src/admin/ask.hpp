// The client's side of the control socket: one request, one reply, blocking with a deadline.
#pragma once

#include <cstdint>
#include <string>

namespace tandem::admin {

struct Answer {
  enum class Outcome : std::uint8_t {
    answered,   // text: the reply, without line end
    not_there,  // nobody listens at this path (text says how that looks)
    failed,     // no permission, no reply in time, cut off (text says which)
  };
  Outcome outcome = Outcome::failed;
  std::string text;
};

// `request` is one line without its end.
Answer ask(const std::string& path, const std::string& request, std::int64_t timeout_ms);

}  // namespace tandem::admin
