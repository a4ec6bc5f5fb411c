// Looks for silent loss in a write-ahead file; see wal_check.hpp. The format: sqlite.org/fileformat2.html, "The WAL
// File".
#include "store/wal_check.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "base/bytes.hpp"

namespace tandem::store {

namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::uint32_t magic = 0x377F0682;  // the lowest bit: checksums take big-endian words

// The running checksum of the format, over pairs of 32-bit words.
class Checksum {
 public:
  explicit Checksum(bool big_endian) : big_endian_(big_endian) {}
  void add(ByteView bytes) {
    ByteReader reader(bytes);
    while (reader.remaining() >= 8) {
      first_ += word(reader) + second_;
      second_ += word(reader) + first_;
    }
  }
  bool equals(std::uint32_t first, std::uint32_t second) const { return first_ == first && second_ == second; }

 private:
  std::uint32_t word(ByteReader& reader) const { return big_endian_ ? reader.u32_be() : reader.u32_le(); }
  bool big_endian_;
  std::uint32_t first_ = 0;
  std::uint32_t second_ = 0;
};

// Follows the frames: first those that SQLite reads, then the rest that belongs to the same run of the file.
class FrameScan {
 public:
  FrameScan(Checksum checksum, std::uint32_t salt_first, std::uint32_t salt_second)
      : checksum_(checksum), salt_first_(salt_first), salt_second_(salt_second) {}

  void add(ByteView frame) {
    ByteReader reader(frame);
    reader.u32_be();  // page number
    const bool commits = reader.u32_be() != 0;
    if (reader.u32_be() != salt_first_ || reader.u32_be() != salt_second_) {
      readable_ = false;
      return;  // left over from an earlier run, or damaged here
    }
    if (readable_) {
      const std::uint32_t first = reader.u32_be();
      const std::uint32_t second = reader.u32_be();
      checksum_.add(frame.substr(0, 8));
      checksum_.add(frame.substr(frame_header_bytes));
      readable_ = checksum_.equals(first, second);
      if (readable_) return;
    }
    if (lost_commit_) lost_durable_ = true;
    if (commits) lost_commit_ = true;
  }
  bool lost_durable() const { return lost_durable_; }

 private:
  Checksum checksum_;
  std::uint32_t salt_first_;
  std::uint32_t salt_second_;
  bool readable_ = true;
  bool lost_commit_ = false;   // a commit lies behind the first unreadable frame
  bool lost_durable_ = false;  // and something was written after it
};

}  // namespace

Status check_write_ahead_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  ByteBuffer header(header_bytes, '\0');
  if (!file || std::fread(header.data(), 1, header.size(), file.get()) != header.size()) return {};
  const Error damaged{path +
                      ": damaged: commits that were durable cannot be read any more; take the peer's copy: set this "
                      "store's directory aside and start empty"};
  ByteReader reader(header);
  const std::uint32_t found_magic = reader.u32_be();
  reader.u32_be();  // version
  const std::uint32_t page_bytes = reader.u32_be();
  reader.u32_be();  // number of folds
  const std::uint32_t salt_first = reader.u32_be();
  const std::uint32_t salt_second = reader.u32_be();
  Checksum checksum((found_magic & 1U) != 0);
  checksum.add(ByteView(header).substr(0, 24));
  const std::uint32_t first = reader.u32_be();
  const std::uint32_t second = reader.u32_be();
  if ((found_magic & ~1U) != magic || !checksum.equals(first, second)) return damaged;
  if (page_bytes < 512 || page_bytes > 65536) return damaged;

  FrameScan scan(checksum, salt_first, salt_second);
  ByteBuffer frame(frame_header_bytes + page_bytes, '\0');
  while (std::fread(frame.data(), 1, frame.size(), file.get()) == frame.size()) scan.add(frame);
  return scan.lost_durable() ? Status{damaged} : Status{};
}

}  // namespace tandem::store
