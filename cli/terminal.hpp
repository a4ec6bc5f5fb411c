// What the terminal can do, and complaints on it.
#pragma once

#include <string>

namespace tandem::cli {

bool is_terminal(int descriptor);  // and not a dumb one
bool wants_colour();               // of standard output: a terminal, and NO_COLOR is not set (https://no-color.org)

void print(const std::string& text);     // to standard output, at once
void complain(const std::string& text);  // "tandemctl: text" to standard error

// Asks a yes-or-no question on the terminal; anything but "yes" is a no.
bool confirmed(const std::string& question);

// For answers that never came (admin::Answer): tells the person and gives the exit code.
struct NoAnswer {
  bool not_there = false;
  std::string text;
};
int complain(const NoAnswer& problem);

}  // namespace tandem::cli
