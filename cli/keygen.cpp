// tandemctl keygen: the keys of a pair's mirror link (CURVE). Each box gets its own NAME.key and the other
// one's NAME.pub. NAME.key is read by mirror::read_key_file().
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/result.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "mirror/link.hpp"

namespace tandem::cli {

namespace {

constexpr mode_t key_mode = 0600;
constexpr mode_t public_mode = 0644;
constexpr mode_t folder_mode = 0700;

struct File {
  std::string path;
  std::string content;
  mode_t mode;
};

// As [node] name in the configuration.
bool is_node_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), allowed);
}

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

// Never follows or fills what is there: with --force the old file is removed first.
Status write_file(const File& file, bool replace) {
  if (replace) ::unlink(file.path.c_str());
  const int fd = ::open(file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file.mode);
  if (fd < 0) return Error{file.path + ": " + std::strerror(errno)};
  const bool written =
      ::fchmod(fd, file.mode) == 0 &&
      ::write(fd, file.content.data(), file.content.size()) == static_cast<ssize_t>(file.content.size()) &&
      ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (written) return {};
  ::unlink(file.path.c_str());
  return Error{file.path + ": " + std::strerror(error)};
}

std::string key_file_text(const std::string& name, const mirror::KeyPair& keys) {
  return "# Secret mirror key of " + name +
         ". It belongs on that box only, readable by tandemd's user only.\n" + "public_key = \"" +
         keys.public_key + "\"\nsecret_key = \"" + keys.secret_key + "\"\n";
}

std::string instructions(const KeygenArguments& arguments, const std::vector<mirror::KeyPair>& keys) {
  std::string text;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& name = arguments.names[i];
    text +=
        name + ": move " + arguments.folder + "/" + name + ".key there as its mirror.key_file (mode 0600)";
    if (keys.size() == 2) text += "; its mirror.peer_public_key = \"" + keys[1 - i].public_key + "\"";
    text += "\n";
  }
  return text;
}

}  // namespace

int run_keygen(const KeygenArguments& arguments) {
  for (const std::string& name : arguments.names) {
    if (!is_node_name(name)) {
      complain("\"" + name + "\" is no node name; allowed: 1 to 64 of a-z A-Z 0-9 . _ - and no dot in front");
      return exit_usage;
    }
  }
  if (std::set<std::string>(arguments.names.begin(), arguments.names.end()).size() !=
      arguments.names.size()) {
    complain("each box needs a name of its own");
    return exit_usage;
  }
  std::vector<mirror::KeyPair> keys;
  std::vector<File> files;
  for (const std::string& name : arguments.names) {
    keys.push_back(mirror::make_keys());
    files.push_back({arguments.folder + "/" + name + ".key", key_file_text(name, keys.back()), key_mode});
    files.push_back({arguments.folder + "/" + name + ".pub", keys.back().public_key + "\n", public_mode});
  }
  for (const File& file : files) {
    if (arguments.force || !exists(file.path)) continue;
    complain(file.path +
             " exists; nothing was written. --force replaces keys: then both boxes need the new ones");
    return exit_bad;
  }
  if (::mkdir(arguments.folder.c_str(), folder_mode) != 0 && errno != EEXIST) {
    complain(arguments.folder + ": " + std::strerror(errno));
    return exit_bad;
  }
  for (const File& file : files) {
    if (const Status written = write_file(file, arguments.force); !written) {
      complain(written.error().message);
      return exit_bad;
    }
  }
  print(instructions(arguments, keys));
  return exit_good;
}

}  // namespace tandem::cli
