// The keys of the mirror link, as configuration and key files have them at the moment. Replacing a key:
// docs/runbook.md.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "broker/config.hpp"
#include "mirror/link.hpp"

namespace tandem::broker {

// Beside a key file: the key that will be it, and the one that was (`tandemctl keygen --next`, `--use-next`).
inline constexpr const char* next_key_suffix = ".next";
inline constexpr const char* former_key_suffix = ".old";

struct MirrorKeys {
  mirror::KeyPair own;
  std::string former_public_key;  // own, of before; empty: there is none. The peer may still name the pair by it
  std::vector<std::string> peer_public_keys;

  // The first is what this node calls its pair; the peer may call it by any.
  std::vector<std::string> pair_ids() const;
};

Result<MirrorKeys> read_mirror_keys(const MirrorConfig& mirror);

}  // namespace tandem::broker
