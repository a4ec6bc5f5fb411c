// Text from outside (client ids, topics, what a peer or an operator says) as one line that a journal or a terminal
// shows and that does nothing there.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

// Control characters (line ends and escape sequences among them), and characters that turn the direction of writing
// around, become \xNN; everything else stays.
std::string printable(std::string_view text);

}  // namespace tandem
