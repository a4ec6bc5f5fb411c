// See new_files.hpp.
#include "cli/new_files.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/replace_file.hpp"

namespace tandem::cli {

namespace {

constexpr const char* tandemd_user = "tandem";  // User= of the unit

std::string beside(const NewFile& file) {
  return file.path + ".setup";
}

Status cause(const NewFile& file) {
  return Error{file.path + " cannot be written: " + std::strerror(errno)};
}

// Without root, or where the package has not made the user, files stay the caller's.
Status give_to_tandemd(const NewFile& file) {
  if (!file.of_tandemd || ::geteuid() != 0) return {};
  const passwd* const user = ::getpwnam(tandemd_user);
  if (user == nullptr) return {};
  return ::chown(beside(file).c_str(), user->pw_uid, user->pw_gid) == 0 ? Status() : cause(file);
}

Status write_beside(const NewFile& file) {
  ::unlink(beside(file).c_str());  // of a run that was cut off
  if (Status written = file.write(beside(file)); !written) return written;
  return give_to_tandemd(file);
}

// link() and not rename(): it replaces nothing.
Status move_into_place(const NewFile& file, bool replace) {
  if (replace) return std::rename(beside(file).c_str(), file.path.c_str()) == 0 ? Status() : cause(file);
  if (::link(beside(file).c_str(), file.path.c_str()) != 0) return cause(file);
  ::unlink(beside(file).c_str());
  return {};
}

void sync_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

NewFile text_file(std::string path, std::string text, mode_t mode) {
  return {std::move(path), [text = std::move(text), mode](const std::string& to) -> Status {
            if (const Status written = replace_file(to, text, mode, Sync::yes); !written) {
              return Error{to + " cannot be written: " + written.error().message};
            }
            if (::chmod(to.c_str(), mode) != 0) return Error{to + ": " + std::strerror(errno)};  // umask
            return {};
          }};
}

NewFile key_file(std::string path, mirror::KeyPair keys) {
  return {std::move(path), [keys = std::move(keys)](const std::string& to) { return mirror::write_key_file(to, keys); },
          true};
}

std::vector<std::string> existing(const std::vector<NewFile>& files) {
  std::vector<std::string> there;
  for (const NewFile& file : files) {
    struct stat found {};
    if (::lstat(file.path.c_str(), &found) == 0) there.push_back(file.path);
  }
  return there;
}

Status write_all(const std::vector<NewFile>& files, bool replace) {
  Status result;
  std::vector<std::string> placed;
  for (const NewFile& file : files) {
    if (result.ok()) result = write_beside(file);
  }
  for (const NewFile& file : files) {
    if (result.ok()) result = move_into_place(file, replace);
    if (!result.ok()) break;
    placed.push_back(file.path);
  }
  if (result.ok()) {
    for (const NewFile& file : files) sync_folder(file.path);
    return result;
  }
  for (const NewFile& file : files) ::unlink(beside(file).c_str());
  if (!replace) {  // otherwise what was there before is gone, and half of the new is better than nothing
    for (const std::string& path : placed) ::unlink(path.c_str());
  }
  return result;
}

}  // namespace tandem::cli
