#include "tests/fuzz/script.hpp"

#include <algorithm>

namespace tandem::fuzz {

namespace {

constexpr std::uint8_t second = 0x80;
constexpr std::int64_t wait_unit_ms = 100;
constexpr std::int64_t wait_ms_max = 6'300;

Step action_of(std::size_t client, std::uint8_t byte) {
  switch (byte & 3U) {
    case 0:
      return {.action = Action::end, .client = client};
    case 1:
      return {.action = Action::reconnect, .client = client};
    default:
      return {.action = Action::wait, .client = client, .wait_ms = wait_unit_ms * (byte >> 2)};
  }
}

}  // namespace

Header Header::from(std::uint8_t byte) {
  return {.holds = (byte & 1U) != 0,
          .first_connects = (byte & 2U) != 0,
          .first_is_v5 = (byte & 4U) != 0,
          .first_stays = (byte & 8U) != 0,
          .reader = (byte & 16U) != 0};
}

std::uint8_t Header::byte() const {
  return static_cast<std::uint8_t>((holds ? 1 : 0) | (first_connects ? 2 : 0) | (first_is_v5 ? 4 : 0) |
                                   (first_stays ? 8 : 0) | (reader ? 16 : 0));
}

Script parse(ByteView input) {
  ByteReader reader(input);
  Script script{.header = Header::from(reader.u8()), .steps = {}};
  while (reader.ok() && reader.remaining() > 0 && script.steps.size() < steps_max) {
    const std::uint8_t control = reader.u8();
    const std::size_t client = (control & second) != 0 ? 1 : 0;
    const std::size_t size = std::min<std::size_t>(control & 0x7FU, reader.remaining());
    if ((control & 0x7FU) == 0) {
      script.steps.push_back(action_of(client, reader.u8()));
    } else if (size > 0) {
      script.steps.push_back({.action = Action::bytes, .client = client, .bytes = reader.bytes(size)});
    }
  }
  return script;
}

void ScriptWriter::bytes(std::size_t client, ByteView bytes) {
  while (!bytes.empty()) {
    const ByteView piece = bytes.substr(0, piece_bytes_max);
    input_.push_back(static_cast<char>((client != 0 ? second : 0) | piece.size()));
    input_.append(piece);
    bytes.remove_prefix(piece.size());
  }
}

void ScriptWriter::action(std::size_t client, std::uint8_t what) {
  input_.push_back(static_cast<char>(client != 0 ? second : 0));
  input_.push_back(static_cast<char>(what));
}

void ScriptWriter::wait(std::int64_t ms) {
  action(0, static_cast<std::uint8_t>((std::min(ms, wait_ms_max) / wait_unit_ms) << 2 | 2));
}

}  // namespace tandem::fuzz
