// Who may do what. Decided on the active, before a record is made; the verdict is in the record (or there is none).
#pragma once

#include <optional>
#include <string_view>

#include "mqtt/packet.hpp"

namespace tandem::core {

struct Access {
  bool allow_anonymous = false;

  // Reason::success or the CONNACK's refusal. Without users in State nobody can prove a name: only an open broker lets
  // in.
  mqtt::Reason may_connect(const mqtt::Connect& packet) const;
};

}  // namespace tandem::core
