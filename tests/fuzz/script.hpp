// A fuzzer's input, as what clients do to one broker: two of them, whose bytes come in pieces, who leave and come back,
// and between whom time passes.
//
//   script  = header piece*
//   header  = one byte: Header's bits
//   piece   = one byte: high bit, whose piece; low seven bits, how many bytes follow (fewer at the end of the input);
//   or
//             with length 0: one more byte: low two bits, 0 end, 1 reconnect, 2 or 3 wait; for wait the high six bits
//             count tenths of a second
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace tandem::fuzz {

inline constexpr std::size_t clients = 2;
inline constexpr std::size_t piece_bytes_max = 127;
inline constexpr std::size_t steps_max = 400;  // a longer script is not read on

struct Header {
  // What a step caused is held back until the next one ends, as it is while the other box has not confirmed it.
  bool holds = false;
  bool first_connects = false;  // the first client begins with a CONNECT that is accepted
  bool first_is_v5 = false;
  bool first_stays = false;  // with a session that outlives its connection
  bool reader = false;       // the second client begins with a CONNECT (5.0) and a subscription to everything

  static Header from(std::uint8_t byte);
  std::uint8_t byte() const;
};

enum class Action : std::uint8_t {
  bytes,      // of that client
  end,        // it closes its connection
  reconnect,  // the same, if it is open; its next bytes go over a new one
  wait
};

struct Step {
  Action action = Action::bytes;
  std::size_t client = 0;
  ByteView bytes = {};
  std::int64_t wait_ms = 0;
};

struct Script {
  Header header;
  std::vector<Step> steps;  // borrow from the input
};

Script parse(ByteView input);

// Writes inputs.
class ScriptWriter {
 public:
  explicit ScriptWriter(const Header& header) { input_.push_back(static_cast<char>(header.byte())); }

  void bytes(std::size_t client, ByteView bytes);  // in as many pieces as that needs
  void end(std::size_t client) { action(client, 0); }
  void reconnect(std::size_t client) { action(client, 1); }
  void wait(std::int64_t ms);  // in tenths of a second, 6.3 s at most

  const ByteBuffer& input() const { return input_; }

 private:
  void action(std::size_t client, std::uint8_t what);

  ByteBuffer input_;
};

}  // namespace tandem::fuzz
