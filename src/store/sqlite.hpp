// Thin ownership over the SQLite C API: connections and prepared statements, errors as values that name the file.
// A connection and its statements belong to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::store {

// One connection. Statements point at it, so it lives on the heap and never moves.
struct Connection {
  sqlite3* handle = nullptr;
  std::string name;   // file name for people, e.g. "log.db"
  bool full = false;  // an operation has failed because the disk is full
  int wal_pages = 0;  // pages in the write-ahead file after the last commit of this connection

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();
  // The Error of the call that has just failed; remembers whether the disk was full.
  Error failure(const char* doing);
};

// Does an Error of this module speak of a damaged file (and not of a full disk, a lock, a permission)?
bool is_damage(const Error& error);

// A prepared statement. Indexes of parameters start at 1, of columns at 0.
class Statement {
 public:
  Statement() = default;
  Statement(Connection& connection, sqlite3_stmt* statement) : connection_(&connection), statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int index, std::uint64_t value);  // stored as the signed integer with the same bits
  Statement& bind(int index, std::int64_t value);
  // Not copied: the bytes stay valid until the statement is reset or bound again.
  Statement& bind(int index, ByteView bytes);

  // True: a row can be read. False: the end; the statement has been reset. On an Error it has been reset as well.
  Result<bool> step();
  // Steps to the end.
  Status run();
  void reset();

  std::int64_t integer(int column) const;
  std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  ByteView blob(int column) const;  // valid until the next step or reset

 private:
  Connection* connection_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

// What a connection is for: its settings differ.
enum class Access { write, read };

class Database {
 public:
  // Opens `path`. Access::write makes the file if it is not there, with `page_bytes` a page, and sets it to WAL. Always
  // synchronous=FULL, secure_delete off and no automatic fold. Access::read expects the file.
  static Result<Database> open(const std::string& path, Access access, int page_bytes = 4096, int cache_kib = 2048);

  Result<Statement> prepare(const char* sql);
  // Runs one or several statements without parameters.
  Status execute(const char* sql);
  // The first integer that `sql` yields; nothing when it yields no row.
  Result<std::optional<std::int64_t>> first_integer(const char* sql);

  // BEGIN IMMEDIATE takes the write lock. A failed commit is rolled back: nothing of it is in the file.
  Status begin();
  // A read transaction: all reads until rollback() see one state of the file.
  Status begin_read();
  Status commit();
  void rollback();
  bool in_transaction() const;

  struct Folded {
    int wal_pages = 0;     // pages in the write-ahead file
    int folded_pages = 0;  // of these, already in the database file
  };
  // Copies what it can from the write-ahead file into the database file, without blocking anybody.
  Result<Folded> fold();

  // The last connection to a file that closes leaves its write-ahead file alone, unless this was called: then it folds
  // it and removes it.
  void fold_at_close();

  // Gives back the page cache, as far as nobody uses it.
  void release_memory();

  int wal_pages() const { return connection_->wal_pages; }
  // Whether an operation failed for want of disk space since the last call.
  bool take_full();
  const std::string& name() const { return connection_->name; }

 private:
  explicit Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

  std::unique_ptr<Connection> connection_;
  Statement begin_;
  Statement commit_;
};

}  // namespace tandem::store
