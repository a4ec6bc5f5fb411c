// Bounded reading and appending of bytes. A ByteReader never reads past its end: it turns bad instead and returns
// zeros, so a parser checks ok() once at its end. MQTT integers are big-endian; our own formats use little-endian and
// LEB128.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tandem {

// Any bytes, not necessarily text. Views borrow; the owner of the buffer outlives them.
using ByteView = std::string_view;
using ByteBuffer = std::string;

class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return position_ == bytes_.size(); }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  ByteView rest() const { return bytes_.substr(position_); }
  void fail() { ok_ = false; }

  std::uint8_t u8() { return take(1) ? byte(position_ - 1) : std::uint8_t{0}; }
  std::uint16_t u16_be() {
    if (!take(2)) return 0;
    return static_cast<std::uint16_t>((byte(position_ - 2) << 8) | byte(position_ - 1));
  }
  std::uint32_t u32_be() {
    const std::uint32_t high = u16_be();
    return (high << 16) | u16_be();
  }
  std::uint16_t u16_le() { return little_endian<std::uint16_t>(); }
  std::uint32_t u32_le() { return little_endian<std::uint32_t>(); }
  std::uint64_t u64_le() { return little_endian<std::uint64_t>(); }
  std::int64_t i64_le() { return static_cast<std::int64_t>(u64_le()); }

  // LEB128, at most 10 bytes.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = u8();
      if (!ok_) return 0;
      value |= static_cast<std::uint64_t>(b & 0x7FU) << shift;
      if ((b & 0x80U) == 0) return value;
    }
    ok_ = false;
    return 0;
  }

  // `size` raw bytes, or an empty view and ok() == false.
  ByteView bytes(std::size_t size) { return take(size) ? bytes_.substr(position_ - size, size) : ByteView{}; }
  // Bytes preceded by their length: MQTT's two big-endian bytes, or our varint.
  ByteView bytes_u16_be() { return bytes(u16_be()); }
  ByteView bytes_varint() {
    const std::uint64_t size = varint();
    if (size > remaining()) {
      ok_ = false;
      return {};
    }
    return bytes(static_cast<std::size_t>(size));
  }

 private:
  bool take(std::size_t size) {
    if (!ok_ || size > remaining()) {
      ok_ = false;
      return false;
    }
    position_ += size;
    return true;
  }
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(bytes_[at]); }
  template <class T>
  T little_endian() {
    T value = 0;
    if (!take(sizeof(T))) return 0;
    std::memcpy(&value, bytes_.data() + position_ - sizeof(T), sizeof(T));
    return value;  // every Debian release architecture that we build for is little-endian (checked in bytes.cpp)
  }

  ByteView bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// Appends to a buffer that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(ByteBuffer& out) : out_(out) {}

  ByteWriter& u8(std::uint8_t v) {
    out_.push_back(static_cast<char>(v));
    return *this;
  }
  ByteWriter& u16_be(std::uint16_t v) {
    const char two[2] = {static_cast<char>(v >> 8), static_cast<char>(v & 0xFF)};
    out_.append(two, 2);
    return *this;
  }
  ByteWriter& u32_be(std::uint32_t v) {
    u16_be(static_cast<std::uint16_t>(v >> 16));
    return u16_be(static_cast<std::uint16_t>(v & 0xFFFF));
  }
  ByteWriter& u16_le(std::uint16_t v) { return raw(&v, sizeof v); }
  ByteWriter& u32_le(std::uint32_t v) { return raw(&v, sizeof v); }
  ByteWriter& u64_le(std::uint64_t v) { return raw(&v, sizeof v); }
  ByteWriter& i64_le(std::int64_t v) { return raw(&v, sizeof v); }
  ByteWriter& varint(std::uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<std::uint8_t>(v | 0x80U));
      v >>= 7;
    }
    return u8(static_cast<std::uint8_t>(v));
  }
  ByteWriter& bytes(ByteView v) {
    out_.append(v);
    return *this;
  }
  ByteWriter& bytes_u16_be(ByteView v) { return u16_be(static_cast<std::uint16_t>(v.size())).bytes(v); }
  ByteWriter& bytes_varint(ByteView v) { return varint(v.size()).bytes(v); }

  std::size_t size() const { return out_.size(); }

 private:
  ByteWriter& raw(const void* from, std::size_t size) {
    out_.append(static_cast<const char*>(from), size);
    return *this;
  }
  ByteBuffer& out_;
};

}  // namespace tandem
