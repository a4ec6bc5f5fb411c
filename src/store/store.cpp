// The store that the core sees: hands work to the two writer threads, the folding thread and the reading thread, and
// keeps what the core must know at once. Every member function but the destructor's waiting is short.
#include "store/store.hpp"

#include <chrono>
#include <utility>

#include "store/catch_up.hpp"
#include "store/context.hpp"
#include "store/log_reader.hpp"
#include "store/opening.hpp"
#include "store/sqlite_log.hpp"
#include "store/sqlite_state.hpp"
#include "store/state_reader.hpp"

namespace tandem::store {

namespace {

constexpr std::chrono::milliseconds drain_look_interval{50};

class SqliteStore final : public Store {
 public:
  SqliteStore(const StoreOptions& options, Opened opened)
      : lock_(std::move(opened.lock)),
        found_(std::move(opened.found)),
        context_(options),
        log_(context_, std::move(opened.log), opened.extent, opened.end),
        state_(context_, std::move(opened.state), found_.checkpoint),
        catch_ups_(context_.events, options.directory),
        next_(opened.end.next()),
        rows_at_(found_.checkpoint) {
    context_.events.post([&](Events& events) {
      events.durable = opened.end;
      events.disk_full = !context_.ballast.present();
      if (opened.remark) events.errors.push_back(*opened.remark);
    });
  }

  ~SqliteStore() override {
    catch_ups_.stop();
    log_.stop();
    state_.stop();
    log_.join();
    state_.join();
    context_.fold.stop();
  }

  Status start() {
    Status status = context_.fold.start(context_.options.directory);
    if (!status.ok()) return status;
    log_.start();
    state_.start();
    catch_ups_.start();
    return {};
  }

  const Found& found() const override { return found_; }
  Status load_rows(const RowVisitor& visit) override;
  Status load_log(Lsn after, const BatchVisitor& visit) override;

  void append(Batch batch, bool urgent) override {
    CHECK(batch.count > 0 && batch.bytes != nullptr);
    CHECK(batch.first == next_);
    next_ = batch.last().next();
    log_.append(std::move(batch), urgent);
  }
  void commit_now() override { log_.commit_now(); }
  void write_meta(ByteBuffer meta, std::uint64_t token) override {
    LogCommand command;
    command.kind = LogCommand::Kind::meta;
    command.text = std::move(meta);
    command.token = token;
    log_.push(std::move(command));
  }

  void rewind(Lsn to, std::string note, std::uint64_t token) override;
  void wipe(Lsn keep, std::string note, std::uint64_t token) override;
  void restart_log(Lsn at) override;

  void begin_checkpoint(Lsn at, ByteBuffer info, bool replace_all) override;
  void put_rows(std::vector<Row> rows) override;
  void commit_checkpoint(std::uint64_t token) override;
  void abort_checkpoint() override;
  std::size_t rows_in_flight_bytes() const override { return state_.rows_in_flight_bytes(); }

  void trim(Lsn up_to) override { log_.trim(std::min(up_to, state_.checkpoint())); }
  std::uint64_t log_bytes() const override { return log_.bytes(); }
  Lsn log_first() const override { return log_.first(); }

  std::uint64_t open_catch_up(Lsn after, bool with_rows) override { return catch_ups_.open(after, with_rows); }
  void next_chunk(std::uint64_t catch_up, std::size_t max_bytes) override { catch_ups_.next(catch_up, max_bytes); }
  void close_catch_up(std::uint64_t catch_up) override { catch_ups_.close(catch_up); }

  Events take_events() override { return context_.events.take(); }
  int event_fd() const override { return context_.events.fd(); }

 private:
  Status drain();
  Result<Database> open_to_read(const char* file) const {
    return Database::open(context_.options.directory + "/" + file, Access::read);
  }

  DirectoryLock lock_;
  Found found_;
  Context context_;
  LogWriter log_;
  StateWriter state_;
  CatchUps catch_ups_;
  Lsn next_;                 // first lsn of the next batch
  Lsn rows_at_;              // of the last checkpoint whose commit was asked for
  bool collecting_ = false;  // between begin_checkpoint and its commit or abort
  Lsn collecting_at_;
};

// Until everything that was asked for is on disk. An Error when it cannot be written at present.
Status SqliteStore::drain() {
  log_.commit_now();
  while (!context_.progress.wait_both(log_.issued(), state_.issued(), drain_look_interval)) {
    if (log_.failing() || state_.failing()) {
      return Error{context_.options.directory + ": cannot be read while earlier writes fail (see their errors)"};
    }
  }
  return {};
}

Status SqliteStore::load_rows(const RowVisitor& visit) {
  Status status = drain();
  if (!status.ok()) return status;
  Result<Database> database = open_to_read(state_file);
  if (!database.ok()) return database.error();
  Result<StateReader> reader = StateReader::open(database.value());
  if (!reader.ok()) return reader.error();
  for (;;) {
    Result<std::optional<Row>> row = reader.value().next();
    if (!row.ok()) return row.error();
    if (!row.value()) return {};
    status = visit(std::move(*row.value()));
    if (!status.ok()) return status;
  }
}

Status SqliteStore::load_log(Lsn after, const BatchVisitor& visit) {
  Status status = drain();
  if (!status.ok()) return status;
  Result<Database> database = open_to_read(log_file);
  if (!database.ok()) return database.error();
  Result<LogReader> reader = LogReader::open(database.value());
  if (!reader.ok()) return reader.error();
  reader.value().start(after);
  Lsn last = after;
  for (;;) {
    Result<std::optional<Batch>> batch = reader.value().next();
    if (!batch.ok()) return batch.error();
    if (!batch.value()) break;
    last = batch.value()->last();
    status = visit(std::move(*batch.value()));
    if (!status.ok()) return status;
  }
  if (last.next() >= next_) return {};
  return Error{std::string(log_file) + ": damaged at lsn " + std::to_string(last.value + 1) +
               ": the log ends there; take the peer's copy: set this store's directory aside and start empty"};
}

void SqliteStore::rewind(Lsn to, std::string note, std::uint64_t token) {
  CHECK(to >= rows_at_);
  CHECK(to.next() >= log_.first());
  if (collecting_ && collecting_at_ > to) abort_checkpoint();
  if (to.next() < next_) {
    next_ = to.next();
    log_.limit_trim(to);
  }
  LogCommand command;
  command.kind = LogCommand::Kind::rewind;
  command.lsn = to;
  command.text = std::move(note);
  command.token = token;
  log_.push(std::move(command));
}

void SqliteStore::wipe(Lsn keep, std::string note, std::uint64_t token) {
  if (collecting_) abort_checkpoint();
  log_.limit_trim(Lsn{0});
  LogCommand begin;
  begin.kind = LogCommand::Kind::begin_wipe;
  begin.lsn = keep;
  begin.text = std::move(note);
  StateCommand erase;
  erase.kind = StateCommand::Kind::erase_all;
  erase.wait_log = log_.push(std::move(begin));
  LogCommand finish;
  finish.kind = LogCommand::Kind::finish_wipe;
  finish.wait_state = state_.push(std::move(erase));
  finish.token = token;
  log_.push(std::move(finish));
  next_ = Lsn{1};
  rows_at_ = Lsn{0};
}

void SqliteStore::restart_log(Lsn at) {
  CHECK(!collecting_);
  log_.limit_trim(Lsn{0});
  LogCommand command;
  command.kind = LogCommand::Kind::restart;
  command.lsn = at;
  command.wait_state = state_.issued();
  log_.push(std::move(command));
  next_ = at.next();
}

void SqliteStore::begin_checkpoint(Lsn at, ByteBuffer info, bool replace_all) {
  CHECK(!collecting_);
  collecting_ = true;
  collecting_at_ = at;
  StateCommand command;
  command.kind = StateCommand::Kind::begin;
  command.at = at;
  command.info = std::move(info);
  command.replace_all = replace_all;
  state_.push(std::move(command));
}

void SqliteStore::put_rows(std::vector<Row> rows) {
  CHECK(collecting_);
  StateCommand command;
  command.kind = StateCommand::Kind::put;
  for (const Row& row : rows) command.bytes += sizeof(Row) + row.key.size() + row.value.size();
  command.rows = std::move(rows);
  state_.push(std::move(command));
}

void SqliteStore::commit_checkpoint(std::uint64_t token) {
  CHECK(collecting_);
  collecting_ = false;
  rows_at_ = collecting_at_;
  StateCommand command;
  command.kind = StateCommand::Kind::commit;
  command.token = token;
  // Unless the rows are an image that was received, the log is durable up to them first.
  command.wait_log = log_.issued();
  log_.commit_now();
  state_.push(std::move(command));
}

void SqliteStore::abort_checkpoint() {
  if (!collecting_) return;
  collecting_ = false;
  StateCommand command;
  command.kind = StateCommand::Kind::abort;
  state_.push(std::move(command));
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(const StoreOptions& options) {
  Result<Opened> opened = open_files(options);
  if (!opened.ok()) return opened.error();
  auto store = std::make_unique<SqliteStore>(options, opened.take());
  Status started = store->start();
  if (!started.ok()) return started.error();
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace tandem::store
