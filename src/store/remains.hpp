// What can still be read of a store that open_store() or load_*() refused: for setting it aside and starting with what
// is sound. Reads only; the files stay as they are.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"

namespace tandem::store {

// The names of a store's own files, present or not; what else is in the directory is not the store.
std::vector<std::string> store_file_names();

class Remains {
 public:
  virtual ~Remains() = default;

  // What is wrong, as far as it has been read: one sentence each, at most `problems_at_most`.
  const std::vector<std::string>& problems() const { return problems_; }
  const ByteBuffer& meta() const { return meta_; }  // empty: none, or not readable
  Lsn checkpoint() const { return checkpoint_; }    // of the rows; 0: none, or not readable
  const ByteBuffer& checkpoint_info() const { return checkpoint_info_; }
  Lsn log_begin_seen() const { return log_begin_seen_; }  // the lowest
  Lsn log_end_seen() const { return log_end_seen_; }      // the highest lsn of which there is a trace

  // Every row that is sound, by (kind, key).
  virtual void read_rows(const std::function<void(Row&&)>& visit) = 0;
  // After read_rows: none was left unread behind a place where the file itself is broken.
  bool rows_reached_end() const { return rows_reached_end_; }
  // Batches behind `after` up to the first that is missing or damaged.
  virtual void read_log(Lsn after, const std::function<void(Batch&&)>& visit) = 0;

 protected:
  Remains() = default;
  Remains(const Remains&) = default;
  void problem(std::string text);

  std::vector<std::string> problems_;
  ByteBuffer meta_;
  Lsn checkpoint_;
  ByteBuffer checkpoint_info_;
  Lsn log_begin_seen_;
  Lsn log_end_seen_;
  bool rows_reached_end_ = false;
};

// Error: it cannot be looked at (in use, no permission, written by another version of Tandem): that is no damage.
Result<std::unique_ptr<Remains>> open_remains(const std::string& directory);

inline constexpr std::size_t problems_at_most = 20;

}  // namespace tandem::store
