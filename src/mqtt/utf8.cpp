// The string checks behind utf8.hpp.
#include "mqtt/utf8.hpp"

namespace tandem::mqtt {

namespace {

constexpr std::uint64_t every_byte(std::uint8_t value) {
  return 0x0101010101010101ULL * value;
}

constexpr std::uint64_t high_bits = every_byte(0x80);

// Has one of the high_bits exactly when one of the eight bytes is 0 or beyond ASCII: only those are below 1
// or have a high bit themselves.
constexpr std::uint64_t not_plain(std::uint64_t word) {
  return (word - every_byte(0x01)) | word;
}

// 0 where the byte is a wildcard: '+' (2B) and '#' (23) differ in one bit only, and no other byte becomes 2B
// with it.
constexpr std::uint64_t wildcards_to_zero(std::uint64_t word) {
  return (word | every_byte(0x08)) ^ every_byte('+');
}
static_assert(('#' | 0x08) == '+' && ('+' | 0x08) == '+');

template <class Word>
Word load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Shows all bytes to `see` in words of eight; bytes at the end may be shown twice, and a short text is filled
// up with letters, which no check looks for.
template <class See>
void for_each_word(ByteView text, See see) {
  const char* const data = text.data();
  const std::size_t size = text.size();
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 <= size; at += 8) see(load<std::uint64_t>(data + at));
    if (size % 8 != 0) see(load<std::uint64_t>(data + size - 8));
  } else if (size >= 4) {
    const std::uint64_t low = load<std::uint32_t>(data);
    see(low | (std::uint64_t{load<std::uint32_t>(data + size - 4)} << 32));
  } else if (size > 0) {
    std::uint64_t word = every_byte('a');
    for (std::size_t at = 0; at < size; ++at) word = (word << 8) | static_cast<std::uint8_t>(data[at]);
    see(word);
  }
}

// The same for sixteen bytes at once, by the compiler's vectors.
using Bytes16 = std::uint8_t __attribute__((vector_size(16)));
using Words2 = std::uint64_t __attribute__((vector_size(16)));

// check_topic_text() for a text of at least 16 bytes: high_bits of `odd` and `wild` as there.
void look_at_long(ByteView text, std::uint64_t& odd, std::uint64_t& wild) {
  Bytes16 odds{};
  Bytes16 wilds{};
  const auto see = [&](const char* from) {
    const auto bytes = load<Bytes16>(from);
    odds |= (bytes - 1) | bytes;
    wilds |= Bytes16((bytes | 0x08) == '+');
  };
  const std::size_t last = text.size() - 16;
  for (std::size_t at = 0; at < last; at += 16) see(text.data() + at);
  see(text.data() + last);
  odd = Words2(odds)[0] | Words2(odds)[1];
  wild = Words2(wilds)[0] | Words2(wilds)[1];
}

constexpr bool continues(std::uint8_t byte) {
  return (byte & 0xC0U) == 0x80;
}

// Length of the well-formed sequence at the beginning of `text` (not empty), 0 if there is none (Unicode,
// table 3-7).
std::size_t sequence_size(ByteView text) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<std::uint8_t>(text[at]) : std::uint8_t{0};
  };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return continues(byte(1)) ? 2 : 0;
  if (lead < 0xF0) {
    const std::uint8_t least = lead == 0xE0 ? 0xA0 : 0x80;
    const std::uint8_t most = lead == 0xED ? 0x9F : 0xBF;
    return byte(1) >= least && byte(1) <= most && continues(byte(2)) ? 3 : 0;
  }
  if (lead > 0xF4) return 0;
  const std::uint8_t least = lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t most = lead == 0xF4 ? 0x8F : 0xBF;
  return byte(1) >= least && byte(1) <= most && continues(byte(2)) && continues(byte(3)) ? 4 : 0;
}

bool valid_sequences(ByteView text) {
  while (!text.empty()) {
    const std::size_t size = sequence_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace

bool valid_utf8(ByteView text) {
  std::uint64_t odd = 0;
  for_each_word(text, [&](std::uint64_t word) { odd |= not_plain(word); });
  return (odd & high_bits) == 0 || valid_sequences(text);
}

bool has_wildcard(ByteView text) {
  std::uint64_t wild = 0;
  for_each_word(text, [&](std::uint64_t word) {
    const std::uint64_t zeros = wildcards_to_zero(word);
    wild |= (zeros - every_byte(0x01)) & ~zeros;  // exact for any byte
  });
  return (wild & high_bits) != 0;
}

TopicText check_topic_text(ByteView text) {
  std::uint64_t odd = 0;
  std::uint64_t wild = 0;
  if (text.size() >= 16) {
    look_at_long(text, odd, wild);
  } else {
    for_each_word(text, [&](std::uint64_t word) {
      odd |= not_plain(word);
      wild |= wildcards_to_zero(word) - every_byte(0x01);  // exact if all is ASCII
    });
  }
  if ((odd & high_bits) == 0) [[likely]] {
    return (wild & high_bits) != 0 ? TopicText::wildcard : TopicText::plain;
  }
  if (!valid_sequences(text)) return TopicText::malformed;
  return has_wildcard(text) ? TopicText::wildcard : TopicText::plain;
}

}  // namespace tandem::mqtt
