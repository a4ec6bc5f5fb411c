#include "cli/terminal.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "cli/command.hpp"

namespace tandem::cli {

bool is_terminal(int descriptor) {
  const char* const kind = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && kind != nullptr && std::string(kind) != "dumb";
}

bool wants_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  return is_terminal(STDOUT_FILENO) && (no_colour == nullptr || *no_colour == '\0');
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void complain(const std::string& text) {
  std::fprintf(stderr, "tandemctl: %s\n", text.c_str());
}

bool confirmed(const std::string& question) {
  print(question + " Type yes to go on: ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

int complain(const NoAnswer& problem) {
  if (!problem.not_there) {
    complain(problem.text);
    return exit_failed;
  }
  complain(problem.text + ". Is tandemd running on this box? (systemctl status tandemd) " +
           "If its control.socket is elsewhere, say --socket PATH.");
  return exit_not_there;
}

}  // namespace tandem::cli
