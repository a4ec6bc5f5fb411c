// A box's store as far as the core knows it: rows of the last checkpoint, merged from what each checkpoint gives.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "world.hpp"

namespace tandem::core::test {

class Disk {
 public:
  using Rows = std::map<std::pair<std::uint8_t, ByteBuffer>, ByteBuffer>;

  bool running() const { return encoding_ != nullptr; }
  bool has_image() const { return image_batches_ != 0; }
  std::size_t image_batches() const { return image_batches_; }  // of the log, that the image contains
  const Rows& rows() const { return rows_; }

  // State is exactly at the end of `batches` batches.
  void begin(State& state, std::size_t batches);
  // One slice; true: the checkpoint is complete, its rows count, and State is at some later point.
  bool step(std::size_t max_rows);
  // The box is gone before its checkpoint was complete: what it had given counts for nothing.
  void abandon() { encoding_.reset(); }

  // A box that was rebuilt from another one's image starts with its rows.
  void take_rows(const Disk& from) {
    rows_ = from.rows_;
    image_batches_ = from.image_batches_;
  }

  // The image, at image_batches().
  std::unique_ptr<State> load() const;
  // What `describe`, the digest and the due list were when the image's checkpoint began.
  const std::string& described() const { return described_; }
  const Digest& digest() const { return *digest_; }
  const Due& due() const { return *due_; }

 private:
  std::unique_ptr<Checkpoint> encoding_;
  Rows rows_;
  std::vector<Row> given_;
  std::size_t image_batches_ = 0;
  std::size_t next_batches_ = 0;
  std::string described_, next_described_;
  std::shared_ptr<Digest> digest_, next_digest_;
  std::shared_ptr<Due> due_, next_due_;
};

std::unique_ptr<State> load_rows(const Disk::Rows& rows);

}  // namespace tandem::core::test
