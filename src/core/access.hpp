// Who may do what. Decided on the active, before a record is made; the verdict is in the record (or there is none).
#pragma once

#include <optional>
#include <string_view>

#include "mqtt/packet.hpp"

namespace tandem::core {

struct Access {
  bool allow_anonymous = false;

  // Reason::success or the CONNACK's refusal. `proven`: the client has shown that it is the user that it names, by its
  // password, its certificate or enhanced authentication; without that only an open broker lets in.
  mqtt::Reason may_connect(const mqtt::Connect& packet, bool proven) const;
};

}  // namespace tandem::core
