// tandemctl keygen --next, --use-next: replacing this box's key of the mirror link while the pair goes on
// (docs/runbook.md). The key that comes waits in FILE.next, the one that was stays in FILE.old.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "mirror/link.hpp"

namespace tandem::cli {

namespace {

int fail(const std::string& what) {
  complain(what);
  return exit_bad;
}

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

// The daemon must read it, as it reads the present one.
bool give_to_owner_of(const std::string& path, const std::string& present) {
  struct stat found {};
  if (::stat(present.c_str(), &found) != 0) return false;
  return found.st_uid == ::geteuid() || ::chown(path.c_str(), found.st_uid, found.st_gid) == 0;
}

int make_next(const std::string& file) {
  const Result<mirror::KeyPair> present = mirror::read_key_file(file);
  if (!present.ok()) return fail(present.error().message);
  const std::string next = file + ".next";
  if (exists(next)) return fail(next + " is there already: go on with --use-next, or remove it");
  const mirror::KeyPair keys = mirror::next_keys(present.value().public_key);
  if (const Status written = mirror::write_key_file(next, keys); !written.ok()) return fail(written.error().message);
  if (!give_to_owner_of(next, file)) {
    ::unlink(next.c_str());
    return fail(next + ": cannot be given to the owner of " + file + ": " + std::strerror(errno));
  }
  print(next +
        " is made. Now\n"
        "1. on the other box, in tandem.toml:\n"
        "     peer_public_key = [\"" +
        present.value().public_key + "\", \"" + keys.public_key +
        "\"]\n"
        "   and there: systemctl reload tandemd\n"
        "2. here: tandemctl keygen --use-next, then: systemctl reload tandemd\n"
        "3. when tandemctl status says PROTECTED, on the other box:\n"
        "     peer_public_key = \"" +
        keys.public_key +
        "\"\n"
        "   and there: systemctl reload tandemd. Here: rm " +
        file + ".old\n");
  return exit_good;
}

// At every moment one of the two is FILE.
int use_next(const std::string& file) {
  const std::string next = file + ".next";
  const std::string former = file + ".old";
  if (const Result<mirror::KeyPair> keys = mirror::read_key_file(next); !keys.ok()) {
    return fail(keys.error().message + " (first: tandemctl keygen --next)");
  }
  ::unlink(former.c_str());
  if (::link(file.c_str(), former.c_str()) != 0 || std::rename(next.c_str(), file.c_str()) != 0)
    return fail(file + ": cannot be replaced: " + std::strerror(errno));
  print(file + " is the new key, " + former + " the one before. Now: systemctl reload tandemd\n");
  return exit_good;
}

}  // namespace

int run_keygen_replace(const KeygenArguments& arguments) {
  return arguments.next ? make_next(arguments.key_file) : use_next(arguments.key_file);
}

}  // namespace tandem::cli
