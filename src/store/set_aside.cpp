// Files of batches that were moved out of the log; see set_aside.hpp, and docs/formats-store.md for the bytes.
#include "store/set_aside.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "base/hash.hpp"
#include "store/directory.hpp"
#include "store/seal.hpp"

namespace tandem::store {

namespace {

constexpr ByteView magic = "TdmAside";
constexpr std::uint8_t format_version = 1;
constexpr std::size_t buffer_bytes = 1 << 20;
constexpr std::size_t batch_head_bytes = 64;  // the fields before a batch's bytes

// A file being written in pieces; closed and removed unless kept.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Status write(ByteView bytes) {
    if (fd_ < 0) return failure("be made");
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) return failure("be written");
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }
  Status sync() { return ::fsync(fd_) == 0 ? Status{} : Status{failure("be synced")}; }
  Status keep_as(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return failure("be renamed");
    path_.clear();
    return {};
  }
  const std::string& path() const { return path_; }
  bool full() const { return full_; }

 private:
  Error failure(const char* what) {
    full_ = errno == ENOSPC || errno == EDQUOT;
    return Error{path_ + ": cannot " + what + ": " + std::generic_category().message(errno)};
  }
  std::string path_;
  bool full_ = false;
  int fd_ = -1;
};

bool equal_files(const std::string& a, const std::string& b) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_a(std::fopen(a.c_str(), "rbe"), std::fclose);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_b(std::fopen(b.c_str(), "rbe"), std::fclose);
  if (!file_a || !file_b) return false;
  std::array<char, 65536> bytes_a;
  std::array<char, 65536> bytes_b;
  for (;;) {
    const std::size_t size_a = std::fread(bytes_a.data(), 1, bytes_a.size(), file_a.get());
    const std::size_t size_b = std::fread(bytes_b.data(), 1, bytes_b.size(), file_b.get());
    if (size_a != size_b || std::memcmp(bytes_a.data(), bytes_b.data(), size_a) != 0) return false;
    if (size_a == 0) return true;
  }
}

// The name that the file shall have; "-2", "-3"... behind it when another file has it. Empty: an equal file is there.
std::string free_name(const std::string& directory, const std::string& stem, const std::string& written) {
  for (int number = 1;; ++number) {
    std::string path = directory;
    path.append("/").append(stem);
    if (number > 1) path.append("-").append(std::to_string(number));
    path.append(".batches");
    if (!file_exists(path)) return path;
    if (equal_files(path, written)) return {};
  }
}

std::string stem_of(Epoch epoch, Lsn first, Lsn last) {
  char node[17];
  std::snprintf(node, sizeof node, "%016llx", static_cast<unsigned long long>(epoch.node.value));
  return "set-aside-" + std::to_string(epoch.number) + "." + node + "-" + std::to_string(first.value) + "-" +
         std::to_string(last.value);
}

struct Written {
  Epoch epoch;
  Lsn first;
  Lsn last;
  std::uint64_t batches = 0;
};

// Copies the batches behind `after`; what remains in `buffer` is not yet in the file.
Result<Written> copy_batches(Database& log, Lsn after, NewFile& file, ByteBuffer& buffer) {
  Result<Statement> select = log.prepare(
      "SELECT first, count, epoch_number, epoch_node, epoch_store, time_ms, stream_end, seal, bytes FROM batch "
      "WHERE first >= coalesce((SELECT max(first) FROM batch WHERE first <= ?1), 0) AND first + count - 1 > ?1 "
      "ORDER BY first");
  if (!select.ok()) return select.error();
  Statement& row = select.value();
  row.bind(1, after.value);
  Written written;
  ByteWriter writer(buffer);
  for (;;) {
    Result<bool> there = row.step();
    if (!there.ok()) return there.error();
    if (!there.value()) return written;
    written.epoch = Epoch{row.number(2), NodeId{row.number(3)}, row.number(4)};
    if (written.batches++ == 0) written.first = Lsn{row.number(0)};
    written.last = Lsn{row.number(0) + row.number(1) - 1};
    const ByteView bytes = row.blob(8);
    writer.u8(1).u64_le(row.number(0)).u32_le(static_cast<std::uint32_t>(row.number(1)));
    for (int column = 2; column <= 6; ++column) writer.u64_le(row.number(column));
    writer.u32_le(static_cast<std::uint32_t>(row.number(7))).u64_le(bytes.size()).bytes(bytes);
    if (buffer.size() < buffer_bytes) continue;
    Status status = file.write(buffer);
    if (!status.ok()) return status.error();
    buffer.clear();
  }
}

// The whole content of the file, synced; nothing is written when there are no batches.
Result<Written> write_file(Database& log, Lsn after, const std::string& note, NewFile& file) {
  ByteBuffer buffer(magic);
  ByteWriter writer(buffer);
  writer.u8(format_version).u32_le(note_seal(Lsn{0}, note)).bytes_varint(note);
  Result<Written> copied = copy_batches(log, after, file, buffer);
  if (!copied.ok() || copied.value().batches == 0) return copied;
  writer.u8(0).u64_le(copied.value().batches);
  Status status = file.write(buffer);
  if (status.ok()) status = file.sync();
  if (!status.ok()) return status.error();
  return copied;
}

}  // namespace

Result<SetAsideFile> set_aside(Database& log, const std::string& directory, Lsn after, const std::string& note,
                               bool& full) {
  NewFile file(directory + "/set-aside.tmp");
  Result<Written> written = write_file(log, after, note, file);
  full = file.full();
  if (!written.ok()) return written.error();
  const Written& range = written.value();
  if (range.batches == 0) return SetAsideFile{};

  const std::string stem = stem_of(range.epoch, range.first, range.last);
  const std::string path = free_name(directory, stem, file.path());
  if (path.empty()) return SetAsideFile{directory + "/" + stem + ".batches", range.batches};
  Status status = file.keep_as(path);
  if (status.ok()) status = sync_directory(directory);
  if (!status.ok()) return status.error();
  return SetAsideFile{path, range.batches};
}

namespace {

// Reads a file through a window that holds at least what is asked for.
class FileReader {
 public:
  explicit FileReader(const std::string& path) : file_(std::fopen(path.c_str(), "rbe"), std::fclose) {
    if (file_ && std::fseek(file_.get(), 0, SEEK_END) == 0) {
      left_ = static_cast<std::uint64_t>(std::max(0L, std::ftell(file_.get())));
      std::rewind(file_.get());
    }
  }
  bool ok() const { return file_ != nullptr; }
  // Exactly `size` bytes, or nothing when the file ends before. Valid until the next call.
  std::optional<ByteView> take(std::uint64_t size) {
    if (size > left_) return std::nullopt;  // before any memory is taken for it
    left_ -= size;
    bytes_.resize(static_cast<std::size_t>(size));
    if (std::fread(bytes_.data(), 1, bytes_.size(), file_.get()) != bytes_.size()) return std::nullopt;
    return ByteView(bytes_);
  }
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::optional<ByteView> byte = take(1);
      if (!byte) return std::nullopt;
      const auto b = static_cast<std::uint8_t>((*byte)[0]);
      value |= static_cast<std::uint64_t>(b & 0x7FU) << shift;
      if ((b & 0x80U) == 0) return value;
    }
    return std::nullopt;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  ByteBuffer bytes_;
  std::uint64_t left_ = 0;
};

// One batch behind its tag; nothing when it is damaged.
std::optional<Batch> read_batch(FileReader& file) {
  const std::optional<ByteView> head = file.take(batch_head_bytes);
  if (!head) return std::nullopt;
  ByteReader reader(*head);
  Batch batch;
  batch.first = Lsn{reader.u64_le()};
  batch.count = reader.u32_le();
  batch.epoch.number = reader.u64_le();
  batch.epoch.node = NodeId{reader.u64_le()};
  batch.epoch.store = reader.u64_le();
  batch.time = Instant{reader.i64_le()};
  const std::uint64_t stream_end = reader.u64_le();
  const std::uint32_t seal = reader.u32_le();
  const std::uint64_t size = reader.u64_le();
  const std::optional<ByteView> bytes = file.take(size);
  if (!bytes || batch.count == 0 || seal != batch_seal(batch, *bytes, stream_end)) return std::nullopt;
  batch.bytes = std::make_shared<const ByteBuffer>(*bytes);
  return batch;
}

std::optional<std::string> read_note(FileReader& file) {
  const std::optional<ByteView> start = file.take(magic.size() + 1 + sizeof(std::uint32_t));
  if (!start || start->substr(0, magic.size()) != magic) return std::nullopt;
  ByteReader reader(start->substr(magic.size()));
  if (reader.u8() != format_version) return std::nullopt;
  const std::uint32_t seal = reader.u32_le();
  const std::optional<std::uint64_t> size = file.varint();
  const std::optional<ByteView> note = size ? file.take(*size) : std::nullopt;
  if (!note || note_seal(Lsn{0}, *note) != seal) return std::nullopt;
  return std::string(*note);
}

}  // namespace

Result<SetAsideContent> read_set_aside(const std::string& path, const std::function<Status(Batch&&)>& visit) {
  FileReader file(path);
  if (!file.ok()) return Error{path + ": cannot be opened: " + std::generic_category().message(errno)};
  const std::optional<std::string> note = read_note(file);
  if (!note) return Error{path + ": is not a file of batches that were set aside, or its header is damaged"};
  SetAsideContent content{*note, 0};
  Lsn expected;
  for (;;) {
    const std::optional<ByteView> tag = file.take(1);
    if (tag && (*tag)[0] == 0) {
      const std::optional<ByteView> count = file.take(sizeof(std::uint64_t));
      if (count && ByteReader(*count).u64_le() == content.batches) return content;
    }
    std::optional<Batch> batch = tag && (*tag)[0] == 1 ? read_batch(file) : std::nullopt;
    const bool contiguous = batch && (content.batches == 0 || batch->first == expected);
    if (!contiguous) {
      return Error{path + ": damaged behind batch " + std::to_string(content.batches) + ", at lsn " +
                   std::to_string(expected.value)};
    }
    expected = batch->last().next();
    ++content.batches;
    Status status = visit(std::move(*batch));
    if (!status.ok()) return status.error();
  }
}

}  // namespace tandem::store
