// UTF-8, against a plain second implementation, at every alignment and length.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "mqtt/utf8.hpp"

namespace tandem::mqtt::test {

namespace {

// Decodes code points one by one and judges their values: slow, and nothing like the code under test.
bool plainly_valid(ByteView text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const unsigned lead = static_cast<std::uint8_t>(text[at++]);
    int follow = 0;
    std::uint32_t point = lead;
    if (lead >= 0xF8) return false;
    if (lead >= 0xF0) {
      follow = 3;
      point = lead & 0x07U;
    } else if (lead >= 0xE0) {
      follow = 2;
      point = lead & 0x0FU;
    } else if (lead >= 0xC0) {
      follow = 1;
      point = lead & 0x1FU;
    } else if (lead >= 0x80) {
      return false;
    }
    for (int i = 0; i < follow; ++i) {
      if (at == text.size() || (static_cast<std::uint8_t>(text[at]) & 0xC0U) != 0x80) return false;
      point = (point << 6) | (static_cast<std::uint8_t>(text[at++]) & 0x3FU);
    }
    const std::uint32_t least[] = {1, 0x80, 0x800, 0x10000};
    if (point < least[follow] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
  }
  return true;
}

bool plainly_wild(ByteView text) {
  return text.find('+') != ByteView::npos || text.find('#') != ByteView::npos;
}

void compare(const std::string& text) {
  REQUIRE_EQ(valid_utf8(text), plainly_valid(text));
  REQUIRE_EQ(has_wildcard(text), plainly_wild(text));
  const TopicText wanted = !plainly_valid(text) ? TopicText::malformed
                           : plainly_wild(text) ? TopicText::wildcard
                                                : TopicText::plain;
  REQUIRE(check_topic_text(text) == wanted);
}

}  // namespace

TEST_CASE("MQTT5-1.5.4-1, -2: each byte value at each place of each length") {
  for (std::size_t size = 0; size <= 25; ++size) {
    compare(std::string(size, 'a'));
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, '/');
        text[at] = static_cast<char>(byte);
        compare(text);
      }
    }
  }
}

TEST_CASE("MQTT5-1.5.4-1: all sequences of two and three bytes, and the edges of four") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      std::string text = {static_cast<char>(first), static_cast<char>(second)};
      compare(text);
      for (const int third : {0x00, 0x41, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF}) {
        text.resize(2);
        text += static_cast<char>(third);
        compare(text);
        for (const int fourth : {0x41, 0x80, 0xBF, 0xC0}) {
          text.resize(3);
          text += static_cast<char>(fourth);
          compare(text);
        }
      }
    }
  }
}

TEST_CASE("random texts") {
  std::mt19937 random(63);
  const std::string letters[] = {"a",
                                 "+",
                                 "#",
                                 "/",
                                 "\xC3\xA9",
                                 "\xE6\xB0\xB4",
                                 "\xF0\x9F\x9A\x80",
                                 "\xEF\xBB\xBF",
                                 "\xED\x9F\xBF",
                                 "\xEE\x80\x80",
                                 "longer-ascii-run"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += letters[random() % std::size(letters)];
    if (random() % 3 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 5 == 0 && !text.empty()) text.pop_back();
    compare(text);
  }
}

TEST_CASE("MQTT5-1.5.4-3, U-44: U+FEFF, control and non-characters are let through") {
  CHECK(valid_utf8("\xEF\xBB\xBF"));
  CHECK(valid_utf8("\x01\x1F\x7F"));
  CHECK(valid_utf8("\xEF\xBF\xBF"));        // U+FFFF
  CHECK(valid_utf8("\xF4\x8F\xBF\xBF"));    // U+10FFFF
  CHECK_FALSE(valid_utf8("\xED\xA0\x80"));  // U+D800
  CHECK_FALSE(valid_utf8("\xC0\x80"));      // U+0000, overlong
  CHECK_FALSE(valid_utf8(ByteView("\0", 1)));
}

}  // namespace tandem::mqtt::test
