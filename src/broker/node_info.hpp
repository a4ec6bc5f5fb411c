// What each box tells the other of itself about once a second, beside what the pair's protocol needs: figures, so that
// status works on either box, and its configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "broker/config_drift.hpp"

namespace tandem::broker {

inline constexpr std::size_t max_config_answer_bytes = 2048;

// Of `tandemctl config push`.
struct ConfigPushInfo {
  std::uint64_t run = 0;       // of this tandemd: another one at each start; 0: not told
  std::uint64_t asked_of = 0;  // run of the other tandemd that `asked` is for: none that starts later does it
  std::uint64_t asked = 0;     // number of the push that was ordered here and waits for an answer; 0: none
  std::uint64_t answered = 0;  // of the other box's push that `answer` is for; 0: none
  bool done = false;
  std::string answer;  // within max_config_answer_bytes
};

struct NodeInfo {
  std::uint64_t clients = 0;
  std::uint64_t sessions = 0;
  std::uint64_t retained = 0;
  std::uint64_t queued = 0;
  std::uint64_t uptime_s = 0;
  std::string version;
  std::string digest;
  ConfigValues config;         // shared values, whatever the other box says; one of feature level 1 does not tell
  ConfigPushInfo config_push;  // nor does one of this
};

ByteBuffer encode(const NodeInfo& info);
NodeInfo decode_info(ByteView bytes);  // empty if it is not understood

}  // namespace tandem::broker
