#include "broker/mirror_keys.hpp"

namespace tandem::broker {

std::vector<std::string> MirrorKeys::pair_ids() const {
  std::vector<std::string> own_keys = {own.public_key};
  if (!former_public_key.empty()) own_keys.push_back(former_public_key);
  return mirror::pair_ids(own_keys, peer_public_keys);
}

Result<MirrorKeys> read_mirror_keys(const MirrorConfig& mirror) {
  Result<mirror::KeyPair> own = mirror::read_key_file(mirror.key_file);
  if (!own.ok()) return own.error();
  MirrorKeys keys{own.take(), {}, mirror.peer_public_keys};
  // Only its public half counts; most of the time it is not there.
  if (Result<mirror::KeyPair> former = mirror::read_key_file(mirror.key_file + former_key_suffix); former.ok())
    keys.former_public_key = former.value().public_key;
  return keys;
}

}  // namespace tandem::broker
