// CURVE keys: making, writing, reading, and the pair's id.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/check.hpp"
#include "base/hash.hpp"
#include "base/text_file.hpp"
#include "mirror/link.hpp"

namespace tandem::mirror {

namespace {

constexpr std::size_t z85_key_bytes = 40;
constexpr std::size_t max_key_file_bytes = 4096;

std::string errno_text() {
  return std::strerror(errno);
}

// Value of `name = "value"` in the file's text; empty if it is not there.
std::string value_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const std::string start = std::string(name) + " = \"";
    if (line.substr(0, start.size()) != start) continue;
    const std::size_t close = line.find('"', start.size());
    if (close != std::string_view::npos) return std::string(line.substr(start.size(), close - start.size()));
  }
  return {};
}

// A descriptor that closes itself.
struct File {
  explicit File(int fd_in) : fd(fd_in) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd;
};

}  // namespace

KeyPair make_keys() {
  std::array<char, z85_key_bytes + 1> public_key{};
  std::array<char, z85_key_bytes + 1> secret_key{};
  CHECK(zmq_curve_keypair(public_key.data(), secret_key.data()) == 0);
  return {public_key.data(), secret_key.data()};
}

KeyPair next_keys(const std::string& present_public_key) {
  constexpr std::size_t near = 2;  // characters of 85: some 7,000 attempts, a second
  for (;;) {
    KeyPair keys = make_keys();
    if (keys.public_key.compare(0, near, present_public_key, 0, near) == 0 && keys.public_key != present_public_key)
      return keys;
  }
}

Status write_key_file(const std::string& path, const KeyPair& keys) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd < 0) return Error{path + ": cannot be created: " + errno_text()};
  const std::string text =
      "# Mirror key of one Tandem node. Keep it secret: whoever has it is this node to its peer.\n"
      "public_key = \"" +
      keys.public_key + "\"\nsecret_key = \"" + keys.secret_key + "\"\n";
  const bool written = ::write(file.fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || ::fsync(file.fd) != 0) return Error{path + ": cannot be written: " + errno_text()};
  return {};
}

Result<KeyPair> read_key_file(const std::string& path) {
  const FileText file = read_file(path, max_key_file_bytes);
  if (!file.ok()) {
    return Error{path + ": cannot be read: " + file.reason() + "; make a pair's keys with 'tandemctl keygen'"};
  }
  if ((file.mode & 077) != 0) {
    return Error{path + ": this secret key may be read by others; run: chmod 600 " + path};
  }
  KeyPair keys{value_of(file.text, "public_key"), value_of(file.text, "secret_key")};
  std::array<char, z85_key_bytes + 1> derived{};
  if (keys.public_key.size() != z85_key_bytes || keys.secret_key.size() != z85_key_bytes ||
      zmq_curve_public(derived.data(), keys.secret_key.c_str()) != 0) {
    return Error{path + ": is not a key file of Tandem; make one with 'tandemctl keygen'"};
  }
  if (keys.public_key != derived.data()) return Error{path + ": public and secret key do not belong together"};
  return keys;
}

std::string pair_id(const std::string& own_public_key, const std::string& peer_public_key) {
  const auto& [low, high] = std::minmax(own_public_key, peer_public_key);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (const std::string& text : {low + high, high + low}) {
    const std::uint64_t hash = hash64(text);
    for (int shift = 60; shift >= 0; shift -= 4) id.push_back(digits[hash >> shift & 0xFU]);
  }
  return id;
}

std::vector<std::string> pair_ids(const std::vector<std::string>& own_public_keys,
                                  const std::vector<std::string>& peer_public_keys) {
  std::vector<std::string> ids;
  for (const std::string& own : own_public_keys) {
    for (const std::string& peer : peer_public_keys) ids.push_back(pair_id(own, peer));
  }
  return ids;
}

}  // namespace tandem::mirror
