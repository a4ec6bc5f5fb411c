#include "edge/output.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace tandem::edge {

namespace {

iovec vector_of(ByteView bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg() only reads
}

}  // namespace

void Output::share(SharedBytes bytes) {
  const std::size_t size = bytes.view().size();
  if (size == 0) return;
  if (!pieces_) pieces_ = std::make_unique<Pieces>();
  pieces_->list.push_back({own_.size(), std::move(bytes)});
  pieces_->bytes += size;
}

std::size_t Output::gather(Cursor& at, std::span<iovec> into) const {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const std::size_t end = own_until(at.piece);
    if (at.own < end) {
      into[filled++] = vector_of(ByteView(own_).substr(at.own, end - at.own));
      at.own = end;
    } else if (pieces_ && at.piece < pieces_->list.size()) {
      into[filled++] = vector_of(pieces_->list[at.piece].bytes.view().substr(std::exchange(at.in_piece, 0)));
      ++at.piece;
    } else {
      break;
    }
  }
  return filled;
}

ByteView Output::take_own(std::size_t most) {
  const std::size_t size = std::min(most, own_until(pieces_ ? pieces_->first : 0) - own_taken_);
  return ByteView(own_).substr(std::exchange(own_taken_, own_taken_ + size), size);
}

void Output::take(std::size_t count) {
  CHECK(count <= size());
  for (;;) {
    count -= take_own(count).size();
    if (count == 0) return;
    const std::size_t left = pieces_->list[pieces_->first].bytes.view().size() - pieces_->taken;
    const std::size_t shared = std::min(count, left);
    pieces_->bytes -= shared;
    pieces_->taken += shared;
    count -= shared;
    if (shared == left) drop_first();
  }
}

void Output::drop_first() {
  Pieces& pieces = *pieces_;
  const SharedBytes gone = std::move(pieces.list[pieces.first].bytes);
  ++pieces.first;
  pieces.taken = 0;
  if (pieces.first == pieces.list.size()) {
    pieces.list.clear();
    pieces.first = 0;
  }
}

void Output::move_front(std::size_t count, Output& to) {
  CHECK(count <= size() && (!pieces_ || pieces_->taken == 0));
  for (;;) {
    const ByteView own = take_own(count);
    to.own_.append(own);
    count -= own.size();
    if (count == 0) return;
    SharedBytes& piece = pieces_->list[pieces_->first].bytes;
    const std::size_t shared = piece.view().size();
    CHECK(shared <= count);
    to.share(std::move(piece));
    pieces_->bytes -= shared;
    count -= shared;
    drop_first();
  }
}

void Output::append_to(ByteBuffer& to) const {
  iovec one;
  for (Cursor at = begin(); gather(at, {&one, 1}) != 0;) to.append(static_cast<const char*>(one.iov_base), one.iov_len);
}

void Output::own_what_nobody_keeps() {
  if (!has_pieces()) return;
  const auto first = pieces_->list.begin() + static_cast<std::ptrdiff_t>(pieces_->first);
  if (std::all_of(first, pieces_->list.end(), [](const Piece& piece) { return piece.bytes.kept(); })) return;
  Output all;
  while (!empty()) {
    all.own_.append(take_own(own_.size()));
    if (!has_pieces()) break;
    SharedBytes& piece = pieces_->list[pieces_->first].bytes;
    const std::size_t taken = pieces_->taken;
    const ByteView rest = piece.view().substr(taken);
    pieces_->bytes -= rest.size();
    if (piece.kept()) {
      all.share(std::move(piece));
      all.pieces_->taken += taken;  // only the first can have been taken in part
      all.pieces_->bytes -= taken;
    } else {
      all.own_.append(rest);
    }
    drop_first();
  }
  swap(all);
}

std::size_t Output::compact() {
  const std::size_t count = own_taken_;
  if (count < limits::turn_bytes_per_connection || count < own_.size() - count) return 0;
  own_.erase(0, count);
  own_taken_ = 0;
  if (!pieces_) return count;
  const auto first = pieces_->list.begin() + static_cast<std::ptrdiff_t>(std::exchange(pieces_->first, 0));
  pieces_->list.erase(pieces_->list.begin(), first);
  for (Piece& piece : pieces_->list) piece.at -= count;
  return count;
}

void Output::clear() {
  own_.clear();
  own_taken_ = 0;
  if (!pieces_) return;
  pieces_->list.clear();
  pieces_->first = pieces_->taken = pieces_->bytes = 0;
}

void Output::swap(Output& other) noexcept {
  own_.swap(other.own_);
  std::swap(own_taken_, other.own_taken_);
  pieces_.swap(other.pieces_);
}

}  // namespace tandem::edge
