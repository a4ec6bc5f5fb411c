// Names of roles and modes, and epochs as text.
#include "mirror/names.hpp"

#include "mirror/pair.hpp"

namespace tandem::mirror {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::standby:
      return "standby";
    case Role::promoting:
      return "promoting";
    case Role::active:
      return "active";
  }
  return "?";
}

std::string_view mode_name(Mode mode) {
  switch (mode) {
    case Mode::mirrored:
      return "mirrored";
    case Mode::solo:
      return "solo";
    case Mode::solo_wait:
      return "solo_wait";
    case Mode::single:
      return "single";
    case Mode::in_sync:
      return "in_sync";
    case Mode::syncing:
      return "syncing";
    case Mode::unsure:
      return "unsure";
    case Mode::stale:
      return "stale";
    case Mode::empty:
      return "empty";
  }
  return "?";
}

std::string epoch_text(Epoch epoch) {
  if (epoch.number == 0) return "none";
  std::string name;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const auto c = static_cast<unsigned char>(epoch.node.value >> shift & 0xFFU);
    if (c == 0) break;
    name.push_back(c >= 0x20 && c < 0x7F ? static_cast<char>(c) : '?');
  }
  return std::to_string(epoch.number) + " (" + name + ")";
}

}  // namespace tandem::mirror
