// What a connection is to be sent, in order: bytes of its own, and between them pieces that others are sent, too, and
// that are written from where they lie.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/shared_bytes.hpp"

namespace tandem::edge {

class Output {
 public:
  // Own bytes, to append to. As long as nothing has been taken or shared they are all there is.
  ByteBuffer& own() { return own_; }
  const ByteBuffer& own() const { return own_; }
  // Behind all that is there.
  void share(SharedBytes bytes);

  // What is there and has not been taken.
  std::size_t size() const { return own_.size() - own_taken_ + (pieces_ ? pieces_->bytes : 0); }
  bool empty() const { return size() == 0; }
  bool has_pieces() const { return pieces_ && pieces_->bytes != 0; }

  // Where reading has got to: nothing is changed by it, so that any thread may read.
  struct Cursor {
    std::size_t own = 0;
    std::size_t piece = 0;
    std::size_t in_piece = 0;
  };
  Cursor begin() const { return {own_taken_, pieces_ ? pieces_->first : 0, pieces_ ? pieces_->taken : 0}; }
  // Moves on; how many of `into` it has filled: 0 at the end.
  std::size_t gather(Cursor& at, std::span<iovec> into) const;

  void take(std::size_t count);                    // from the front
  void move_front(std::size_t count, Output& to);  // to its end; no part of a piece
  void append_to(ByteBuffer& to) const;            // a copy of all
  void own_what_nobody_keeps();                    // at the turn's end
  // Gives memory of what has been taken back when it is at least as much as the rest: a byte is moved once on average.
  // The number of own bytes that went.
  std::size_t compact();
  void clear();
  void swap(Output& other) noexcept;

 private:
  struct Piece {
    std::size_t at;  // before own_[at]
    SharedBytes bytes;
  };
  struct Pieces {
    std::vector<Piece> list;
    std::size_t first = 0;  // those before it are taken
    std::size_t taken = 0;  // bytes of the first
    std::size_t bytes = 0;  // that are not taken, of all
  };
  // End of own bytes that come before the piece, or of all.
  std::size_t own_until(std::size_t piece) const {
    return pieces_ && piece < pieces_->list.size() ? pieces_->list[piece].at : own_.size();
  }
  void drop_first();
  // Takes own bytes up to the next piece, at most `most`; they are where they were.
  ByteView take_own(std::size_t most);

  ByteBuffer own_;
  std::size_t own_taken_ = 0;
  std::unique_ptr<Pieces> pieces_;  // null for most
};

}  // namespace tandem::edge
