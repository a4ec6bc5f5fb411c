// Thin ownership over the SQLite C API; see sqlite.hpp.
#include "store/sqlite.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "store/sqlite_io.hpp"

namespace tandem::store {

namespace {

constexpr int busy_timeout_ms = 2'000;  // nobody else should write; a curious operator may

// A write-ahead file that grew beyond this (by a large image, a slow reader) is cut back when it starts over.
constexpr int wal_bytes_kept = 64 << 20;

int on_commit(void* context, sqlite3*, const char*, int pages) {
  static_cast<Connection*>(context)->wal_pages = pages;
  return SQLITE_OK;
}

std::string file_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

bool is_full(int code, int system_errno) {
  if ((code & 0xFF) == SQLITE_FULL) return true;
  const bool io = (code & 0xFF) == SQLITE_IOERR || (code & 0xFF) == SQLITE_CANTOPEN;
  return io && (system_errno == ENOSPC || system_errno == EDQUOT);
}

}  // namespace

Connection::~Connection() {
  // Statements are gone by then (members of the Database or destroyed before it); v2 copes with late ones.
  if (handle != nullptr) sqlite3_close_v2(handle);
}

Error Connection::failure(const char* doing) {
  const int code = sqlite3_extended_errcode(handle);
  full = full || is_full(code, sqlite3_system_errno(handle));
  return Error{name + ": cannot " + doing + ": " + sqlite3_errmsg(handle) + " (SQLite " + std::to_string(code) + ")"};
}

// failure() ends with "(SQLite CODE)". SQLITE_ERROR: a table is not there.
bool is_damage(const Error& error) {
  constexpr const char* mark = "(SQLite ";
  const std::size_t at = error.message.rfind(mark);
  if (at == std::string::npos) return false;
  const int code = std::atoi(error.message.c_str() + at + std::strlen(mark));
  const int kind = code & 0xFF;
  return kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR || code == SQLITE_IOERR_SHORT_READ;
}

Statement::Statement(Statement&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    connection_ = std::exchange(other.connection_, nullptr);
    statement_ = std::exchange(other.statement_, nullptr);
  }
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(int index, std::uint64_t value) {
  return bind(index, static_cast<std::int64_t>(value));
}

Statement& Statement::bind(int index, std::int64_t value) {
  CHECK(sqlite3_bind_int64(statement_, index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind(int index, ByteView bytes) {
  const char* data = bytes.empty() ? "" : bytes.data();  // a null pointer would bind NULL
  CHECK(sqlite3_bind_blob64(statement_, index, data, bytes.size(), SQLITE_STATIC) == SQLITE_OK);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_);
    return false;
  }
  Error error = connection_->failure(sqlite3_stmt_readonly(statement_) != 0 ? "read" : "write");
  sqlite3_reset(statement_);
  return error;
}

Status Statement::run() {
  for (;;) {
    Result<bool> row = step();
    if (!row.ok()) return row.error();
    if (!row.value()) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

ByteView Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? ByteView{} : ByteView{static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Result<Database> Database::open(const std::string& path, Access access, int page_bytes, int cache_kib) {
  auto connection = std::make_unique<Connection>();
  connection->name = file_name(path);
  if (access == Access::write) {
    // Made here, so that others cannot read it: SQLite would make it 0644. Its companions take over its mode.
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (made >= 0) ::close(made);
  }
  let_others_run_in_io();
  const int create = access == Access::write ? SQLITE_OPEN_CREATE : 0;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | create;
  const int code = sqlite3_open_v2(path.c_str(), &connection->handle, flags, nullptr);
  CHECK(connection->handle != nullptr);
  if (code != SQLITE_OK) return connection->failure("be opened");
  sqlite3_extended_result_codes(connection->handle, 1);
  sqlite3_busy_timeout(connection->handle, busy_timeout_ms);
  sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);

  Database database(std::move(connection));
  std::string pragmas;
  if (access == Access::write) {
    pragmas += "PRAGMA page_size=" + std::to_string(page_bytes) + ";PRAGMA journal_mode=WAL;";
    pragmas += "PRAGMA journal_size_limit=" + std::to_string(wal_bytes_kept) + ";";
  }
  pragmas += "PRAGMA synchronous=FULL;PRAGMA secure_delete=OFF;PRAGMA wal_autocheckpoint=0;PRAGMA temp_store=MEMORY;";
  pragmas += "PRAGMA cache_size=-" + std::to_string(cache_kib);
  Status set = database.execute(pragmas.c_str());
  if (!set.ok()) return set.error();
  sqlite3_wal_hook(database.connection_->handle, on_commit, database.connection_.get());

  Result<Statement> begin = database.prepare("BEGIN IMMEDIATE");
  if (!begin.ok()) return begin.error();
  Result<Statement> commit = database.prepare("COMMIT");
  if (!commit.ok()) return commit.error();
  database.begin_ = begin.take();
  database.commit_ = commit.take();
  return database;
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return connection_->failure("prepare a statement");
  return Statement(*connection_, statement);
}

Status Database::execute(const char* sql) {
  if (sqlite3_exec(connection_->handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return connection_->failure("be used");
}

Result<std::optional<std::int64_t>> Database::first_integer(const char* sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement.ok()) return statement.error();
  Result<bool> row = statement.value().step();
  if (!row.ok()) return row.error();
  if (!row.value()) return std::optional<std::int64_t>{};
  return std::optional<std::int64_t>{statement.value().integer(0)};
}

Status Database::begin() {
  return begin_.run();
}

Status Database::begin_read() {
  return execute("BEGIN");
}

Status Database::commit() {
  Status status = commit_.run();
  if (!status.ok()) rollback();
  return status;
}

void Database::rollback() {
  // After some errors SQLite has rolled back by itself; an error here leaves nothing behind either way.
  if (in_transaction()) sqlite3_exec(connection_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(connection_->handle) == 0;
}

Result<Database::Folded> Database::fold() {
  Folded folded;
  const int code = sqlite3_wal_checkpoint_v2(connection_->handle, "main", SQLITE_CHECKPOINT_PASSIVE, &folded.wal_pages,
                                             &folded.folded_pages);
  if (code == SQLITE_OK || (code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED) return folded;
  return connection_->failure("fold its write-ahead file");
}

void Database::fold_at_close() {
  sqlite3_db_config(connection_->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void Database::release_memory() {
  sqlite3_db_release_memory(connection_->handle);
}

bool Database::take_full() {
  return std::exchange(connection_->full, false);
}

}  // namespace tandem::store
