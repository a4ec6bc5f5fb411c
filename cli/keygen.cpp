// tandemctl keygen: the keys of a pair's mirror link (CURVE). Each box gets its own NAME.key and the other
// one's NAME.pub. NAME.key is read by mirror::read_key_file().
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "base/result.hpp"
#include "cli/command.hpp"
#include "cli/pair_plan.hpp"
#include "cli/terminal.hpp"
#include "mirror/link.hpp"

namespace tandem::cli {

namespace {

constexpr mode_t public_mode = 0644;
constexpr mode_t folder_mode = 0700;

struct Box {
  std::string key_path;
  std::string public_path;
  mirror::KeyPair keys;
};

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

// Never follows a link: what is there has been removed (--force) or is an error.
Status write_public(const std::string& path, const std::string& key) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, public_mode);
  if (fd < 0) return Error{path + ": " + std::strerror(errno)};
  const std::string line = key + "\n";
  const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd) == 0;
  const std::string cause = std::strerror(errno);
  ::close(fd);
  return written ? Status() : Error{path + ": " + cause};
}

Status write_box(const Box& box, bool replace) {
  if (replace) {
    ::unlink(box.key_path.c_str());
    ::unlink(box.public_path.c_str());
  }
  if (Status written = mirror::write_key_file(box.key_path, box.keys); !written) return written;
  return write_public(box.public_path, box.keys.public_key);
}

std::string instructions(const std::vector<Box>& boxes) {
  std::string text;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    text += boxes[i].key_path + ": move it to that box as its mirror.key_file (mode 0600)";
    if (boxes.size() == 2) text += "; its mirror.peer_public_key = \"" + boxes[1 - i].keys.public_key + "\"";
    text += "\n";
  }
  return text;
}

// A usage error, or nothing.
std::string wrong_names(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (is_node_name(name)) continue;
    return "\"" + name + "\" is no node name; allowed: 1 to 64 of a-z A-Z 0-9 . _ - and no dot in front";
  }
  const bool distinct = std::set<std::string>(names.begin(), names.end()).size() == names.size();
  return distinct ? std::string() : "each box needs a name of its own";
}

}  // namespace

int run_keygen(const KeygenArguments& arguments) {
  if (arguments.next || arguments.use_next) return run_keygen_replace(arguments);
  if (arguments.folder.empty() || arguments.names.empty()) {
    complain("keygen wants --out and --name, or --next, or --use-next");
    return exit_usage;
  }
  if (const std::string wrong = wrong_names(arguments.names); !wrong.empty()) {
    complain(wrong);
    return exit_usage;
  }
  std::vector<Box> boxes;
  for (const std::string& name : arguments.names) {
    const std::string path = arguments.folder + "/" + name;
    boxes.push_back({path + ".key", path + ".pub", mirror::make_keys()});
    for (const std::string& file : {boxes.back().key_path, boxes.back().public_path}) {
      if (arguments.force || !exists(file)) continue;
      complain(file + " exists; nothing was written. --force replaces keys: then both boxes need the new ones");
      return exit_bad;
    }
  }
  if (::mkdir(arguments.folder.c_str(), folder_mode) != 0 && errno != EEXIST) {
    complain(arguments.folder + ": " + std::strerror(errno));
    return exit_bad;
  }
  for (const Box& box : boxes) {
    if (const Status written = write_box(box, arguments.force); !written) {
      complain(written.error().message);
      return exit_bad;
    }
  }
  print(instructions(boxes));
  return exit_good;
}

}  // namespace tandem::cli
