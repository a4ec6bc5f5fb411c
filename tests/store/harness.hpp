// What the store's tests share: directories that go away, batches with recognisable content, waiting for events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace tandem::store::testing {

// A directory under $TMPDIR or /tmp that is removed at the end.
class Directory {
 public:
  Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::vector<std::string> names() const;

 private:
  std::string path_;
};

// A batch of `count` records from `first` on, whose bytes follow from its lsn, `size` and `flavour` only.
Batch make_batch(Lsn first, std::uint32_t count, std::size_t size, std::uint64_t flavour = 0);
bool same(const Batch& a, const Batch& b);

Row make_row(std::uint8_t kind, std::string key, std::string value);
Row erased_row(std::uint8_t kind, std::string key);
// "kind:key=value" of each row in order; a long value is shown as its length and hash.
std::vector<std::string> shown(const std::vector<Row>& rows);

// As in production, with a small write-ahead file: stores are opened by the hundred.
StoreOptions test_options();

// A store, and what its events have told so far.
class Running {
 public:
  explicit Running(const std::string& directory, StoreOptions options = test_options());

  Store& store() { return *store_; }
  // The store's destructor; open() opens it again.
  void close() { store_.reset(); }
  void open();

  // Takes events until `done()`; false after 20 s.
  bool until(const std::function<bool()>& done);
  bool until_durable(Lsn lsn);
  bool until_token(std::uint64_t token);
  // Appends `batches` batches of `count` records and `size` bytes; returns the last lsn.
  Lsn append(int batches, std::uint32_t count = 3, std::size_t size = 100, bool urgent = false);
  Lsn next() const { return next_; }
  void set_next(Lsn next) { next_ = next; }
  // A whole checkpoint; waits for it.
  bool checkpoint(Lsn at, const std::string& info, std::vector<Row> rows, bool replace_all = false);
  std::vector<Row> rows();
  std::vector<Batch> log(Lsn after);

  Lsn durable;
  std::vector<std::uint64_t> tokens;
  std::vector<Lsn> checkpoints;
  Lsn trimmed_to;
  std::vector<Chunk> chunks;
  std::vector<std::string> errors;
  bool disk_full = false;

 private:
  StoreOptions options_;
  std::unique_ptr<Store> store_;
  Lsn next_{1};
  std::uint64_t token_ = 1'000'000;
};

}  // namespace tandem::store::testing
