// Who may connect.
#include "core/access.hpp"

namespace tandem::core {

mqtt::Reason Access::may_connect(const mqtt::Connect& packet, bool proven) const {
  if (proven) return mqtt::Reason::success;
  if (packet.properties.authentication_method) return mqtt::Reason::bad_authentication_method;
  if (allow_anonymous) return mqtt::Reason::success;
  return packet.username ? mqtt::Reason::bad_username_or_password : mqtt::Reason::not_authorized;
}

}  // namespace tandem::core
