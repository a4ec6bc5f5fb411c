#include "cli/new_password.hpp"

#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>
#include <iostream>

#include "base/limits.hpp"
#include "cli/terminal.hpp"
#include "edge/password_hash.hpp"
#include "edge/scram.hpp"

namespace tandem::cli {

namespace {

constexpr std::size_t salt_bytes = 12;  // Mosquitto 2.0 reads no other
constexpr std::size_t made_characters = 24;

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::getrandom(bytes.data() + done, count - done, 0);
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return bytes;
}

// While it lives the terminal does not show what is typed.
class Hidden {
 public:
  Hidden() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~Hidden() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::cerr << '\n';
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

std::optional<std::string> ask(const char* question) {
  std::cerr << question << std::flush;
  const Hidden hidden;
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return line;
}

}  // namespace

std::optional<std::string> read_new_password() {
  std::string password;
  if (is_terminal(STDIN_FILENO)) {
    const std::optional<std::string> first = ask("New password: ");
    const std::optional<std::string> second = first ? ask("Once more: ") : std::nullopt;
    if (!second || *first != *second) {
      complain("the two are not the same; nothing was changed");
      return std::nullopt;
    }
    password = *first;
  } else if (!std::getline(std::cin, password)) {
    password.clear();
  }
  if (!password.empty() && password.find('\0') == std::string::npos) return password;
  complain("a password is one line that is not empty, on the terminal or on standard input; nothing was changed");
  return std::nullopt;
}

std::string make_password() {
  // Without what is mistaken for each other; 55 characters: the few bytes that would prefer some are drawn again.
  static constexpr char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  constexpr std::size_t count = sizeof letters - 1;
  std::string password;
  while (password.size() < made_characters) {
    const auto byte = static_cast<unsigned char>(random_bytes(1)[0]);
    if (byte < 256 / count * count) password.push_back(letters[byte % count]);
  }
  return password;
}

void set_password(admin::UserEntry& user, const std::string& password) {
  user.password_hash = edge::make_password_hash(password, random_bytes(salt_bytes), limits::password_iterations);
  user.scram = edge::make_scram_verifier(password, random_bytes(salt_bytes), limits::password_iterations);
}

}  // namespace tandem::cli
