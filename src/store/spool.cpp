// A copy of the rows of an open checkpoint in a temporary file; see spool.hpp.
// Each append: the length of what follows (8 bytes); each row: kind (1 byte), erased (1 byte), key and value, each
// preceded by its length as a varint.
#include "store/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "base/check.hpp"

namespace tandem::store {

Spool::~Spool() {
  clear();
}

void Spool::clear() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  size_ = 0;
}

Status Spool::make(const std::string& directory) {
  fd_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ >= 0) return {};
  std::string name = directory + "/checkpoint-XXXXXX";  // a file system without O_TMPFILE
  fd_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) return Error{directory + ": cannot make a temporary file: " + std::generic_category().message(errno)};
  ::unlink(name.c_str());
  return {};
}

Status Spool::append(const std::string& directory, const std::vector<Row>& rows, bool& full) {
  ByteBuffer bytes(sizeof(std::uint64_t), '\0');
  ByteWriter writer(bytes);
  for (const Row& row : rows) {
    writer.u8(row.kind).u8(row.erased ? 1 : 0).bytes_varint(row.key).bytes_varint(row.value);
  }
  const std::uint64_t body_bytes = bytes.size() - sizeof(std::uint64_t);
  std::memcpy(bytes.data(), &body_bytes, sizeof body_bytes);
  if (fd_ < 0) {
    Status made = make(directory);
    if (!made.ok()) {
      full = errno == ENOSPC;
      return made;
    }
  }
  std::size_t written = 0;
  while (written < bytes.size()) {
    const off_t at = static_cast<off_t>(size_ + written);
    const ssize_t n = ::pwrite(fd_, bytes.data() + written, bytes.size() - written, at);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (n < 0 && errno != EINTR) {
      full = errno == ENOSPC || errno == EDQUOT;
      return Error{directory + ": cannot write a temporary file: " + std::generic_category().message(errno)};
    }
  }
  size_ += bytes.size();
  return {};
}

Status Spool::read(std::uint64_t at, char* into, std::size_t size) const {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd_, into + got, size - got, static_cast<off_t>(at + got));
    if (n > 0) {
      got += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      return Error{std::string("cannot read a temporary file: ") +
                   (n == 0 ? std::string("it ends early") : std::generic_category().message(errno))};
    }
  }
  return {};
}

Status Spool::replay(const std::function<Status(const Row&)>& visit) const {
  ByteBuffer body;
  for (std::uint64_t at = 0; at < size_;) {
    std::uint64_t body_bytes = 0;
    Status status = read(at, reinterpret_cast<char*>(&body_bytes), sizeof body_bytes);
    if (!status.ok()) return status;
    at += sizeof body_bytes;
    CHECK(body_bytes <= size_ - at);  // written by this process, in a file that nobody else can open
    body.resize(static_cast<std::size_t>(body_bytes));
    status = read(at, body.data(), body.size());
    if (!status.ok()) return status;
    at += body_bytes;
    ByteReader reader(body);
    while (!reader.at_end()) {
      Row row;
      row.kind = reader.u8();
      row.erased = reader.u8() != 0;
      row.key = reader.bytes_varint();
      row.value = reader.bytes_varint();
      CHECK(reader.ok());
      status = visit(row);
      if (!status.ok()) return status;
    }
  }
  return {};
}

}  // namespace tandem::store
