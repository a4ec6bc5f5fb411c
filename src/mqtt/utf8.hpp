// Strings as MQTT allows them (MQTT 5.0 section 1.5.4, MQTT 3.1.1 section 1.5.3). Text that is plain ASCII,
// which nearly all of it is, is checked eight bytes at a time.
#pragma once

#include "base/bytes.hpp"

namespace tandem::mqtt {

// Well-formed UTF-8 without surrogates, overlong forms and U+0000 ([MQTT5-1.5.4-1, -2]). U+FEFF, control
// characters and non-characters are allowed and kept ([MQTT5-1.5.4-3], U-44).
bool valid_utf8(ByteView text);

// Holds '+' or '#'.
bool has_wildcard(ByteView text);

enum class TopicText : std::uint8_t { plain, wildcard, malformed };

// valid_utf8() and has_wildcard() in one pass; malformed wins.
TopicText check_topic_text(ByteView text);

}  // namespace tandem::mqtt
