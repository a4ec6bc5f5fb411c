// Who may do what. Decided on the active, before a record is made; the verdict is in the record (or there is none).
#pragma once

#include <optional>
#include <string_view>

#include "mqtt/packet.hpp"

namespace tandem::core {

struct Access {
  bool allow_anonymous = false;

  // Reason::success or the CONNACK's refusal. Without users in State nobody can prove a name by a password: only an
  // open broker lets in. `proven`: by enhanced authentication.
  mqtt::Reason may_connect(const mqtt::Connect& packet, bool proven) const;
};

}  // namespace tandem::core
