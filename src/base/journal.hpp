// The journal: what the program tells people (not the write-ahead log). State changes with their reason; never one line
// a message. The core writes nothing here.
#pragma once

#include <string_view>

namespace tandem::journal {

enum class Level { debug, info, warn, error };

// Lines go to stderr, as "time level node: text"; to systemd's journal as "<priority>node: text". A text is always one
// line, and harmless on a terminal (base/printable.hpp), whoever made parts of it.
void open(std::string_view node, Level least);

void write(Level level, std::string_view text);
void debug(std::string_view text);
void info(std::string_view text);
void warn(std::string_view text);
void error(std::string_view text);

}  // namespace tandem::journal
