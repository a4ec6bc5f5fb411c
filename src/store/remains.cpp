#include "store/remains.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "store/directory.hpp"
#include "store/log_reader.hpp"
#include "store/schema.hpp"
#include "store/seal.hpp"
#include "store/sqlite.hpp"
#include "store/state_reader.hpp"
#include "store/wal_check.hpp"

namespace tandem::store {

namespace {

constexpr std::size_t magic_bytes = 16;
constexpr const char* magic = "SQLite format 3";

// Nothing: the file is there and may be asked.
Result<bool> is_database(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return Error{path + ": cannot be read; check its permissions"};
  char head[magic_bytes] = {};
  if (std::fread(head, 1, sizeof head, file.get()) != sizeof head) return false;
  return std::memcmp(head, magic, magic_bytes) == 0;
}

}  // namespace

namespace {

class FileRemains final : public Remains {
 public:
  explicit FileRemains(DirectoryLock lock) : lock_(std::move(lock)) {}
  Status look_at_state(const std::string& directory);
  Status look_at_log(const std::string& directory);
  void read_rows(const std::function<void(Row&&)>& visit) override;
  void read_log(Lsn after, const std::function<void(Batch&&)>& visit) override;

 private:
  DirectoryLock lock_;
  std::optional<Database> log_;
  std::optional<Database> state_;
  bool checkpoint_damaged_ = false;
  bool log_usable_ = false;
  std::optional<std::uint64_t> identity_;  // of state.db
};

}  // namespace

std::vector<std::string> store_file_names() {
  std::vector<std::string> names;
  for (const char* file : {log_file, state_file}) {
    for (const char* end : {"", "-wal", "-shm"}) names.push_back(std::string(file) + end);
  }
  return names;
}

void Remains::problem(std::string text) {
  const std::size_t advice = text.find("; take the peer's copy");
  if (problems_.size() < problems_at_most) problems_.push_back(text.substr(0, advice));
}

namespace {

// The database, or nothing if it is damaged (told to `problem`). Error: it cannot be looked at.
Result<std::optional<Database>> open_one(const std::string& path, const std::function<void(std::string)>& problem) {
  using Answer = std::optional<Database>;
  if (!file_exists(path)) {
    problem(path + " is missing");
    return Answer{};
  }
  if (const Status wal = check_write_ahead_file(path + "-wal"); !wal.ok()) problem(wal.error().message);
  const Result<bool> sound = is_database(path);
  if (!sound.ok()) return sound.error();
  if (!sound.value()) {
    problem(path + " is no database any more");
    return Answer{};
  }
  Result<Database> database = Database::open(path, Access::read);
  Result<std::optional<std::int64_t>> version =
      database.ok() ? database.value().first_integer("PRAGMA user_version") : database.error();
  if (!version.ok()) {
    if (!is_damage(version.error())) return version.error();
    problem(version.error().message);
    return Answer{};
  }
  const std::int64_t found = version.value().value_or(0);
  if (found != 0 && found != schema::version) return Error{path + ": has format " + std::to_string(found)};
  return Answer{database.take()};
}

Status FileRemains::look_at_state(const std::string& directory) {
  Result<std::optional<Database>> opened =
      open_one(directory + "/" + state_file, [this](std::string text) { problem(std::move(text)); });
  if (!opened.ok()) return opened.error();
  state_ = opened.take();
  if (!state_) return {};
  Result<CheckpointNote> note = StateReader::checkpoint(*state_);
  if (!note.ok()) {
    checkpoint_damaged_ = true;
    problem(note.error().message);
    return {};
  }
  Result<std::optional<std::int64_t>> identity = state_->first_integer("SELECT identity FROM head WHERE id = 1");
  if (!identity.ok() || !identity.value()) {
    problem(std::string(state_file) + ": table head is damaged");
  } else {
    identity_ = static_cast<std::uint64_t>(*identity.value());
  }
  checkpoint_ = note.value().at;
  checkpoint_info_ = std::move(note.value().info);
  return {};
}

Status FileRemains::look_at_log(const std::string& directory) {
  Result<std::optional<Database>> opened =
      open_one(directory + "/" + log_file, [this](std::string text) { problem(std::move(text)); });
  if (!opened.ok()) return opened.error();
  log_ = opened.take();
  if (!log_) return {};
  Result<std::optional<std::int64_t>> end = log_->first_integer("SELECT max(first + count - 1) FROM batch");
  if (!end.ok()) {
    problem(end.error().message);
  } else if (end.value()) {
    log_end_seen_ = Lsn{static_cast<std::uint64_t>(*end.value())};
  }
  if (end.ok() && end.value()) {
    const Result<std::optional<std::int64_t>> begin = log_->first_integer("SELECT min(first) FROM batch");
    if (begin.ok()) log_begin_seen_ = Lsn{static_cast<std::uint64_t>(begin.value().value_or(0))};
  }
  Result<Statement> head = log_->prepare("SELECT identity, base, opened, wiping, seal FROM head WHERE id = 1");
  Result<bool> there = head.ok() ? head.value().step() : head.error();
  const bool sound = there.ok() && there.value() &&
                     head.value().number(4) == head_seal(head.value().number(0), Lsn{head.value().number(1)},
                                                         head.value().integer(2) != 0, head.value().integer(3) != 0);
  if (!sound) {
    problem(std::string(log_file) + ": table head is damaged");
  } else if (Lsn{head.value().number(1)} > checkpoint_) {
    problem("the log begins behind record " + std::to_string(head.value().number(1)) + ", the rows end at record " +
            std::to_string(checkpoint_.value));
  }
  const bool foreign = sound && identity_ && head.value().number(0) != *identity_;
  Result<Statement> meta = log_->prepare("SELECT bytes, seal FROM meta WHERE id = 1");
  there = meta.ok() ? meta.value().step() : meta.error();
  if (!there.ok()) {
    problem(std::string(log_file) + ": table meta cannot be read");
  } else if (there.value()) {
    ByteBuffer bytes(meta.value().blob(0));
    if (meta.value().number(1) == note_seal(Lsn{0}, bytes)) {
      meta_ = std::move(bytes);
    } else {
      problem(std::string(log_file) + ": table meta is damaged");
    }
  }
  if (foreign) problem(directory + ": log.db and state.db belong to different stores: the rows count");
  log_usable_ = !foreign;
  return {};
}

void FileRemains::read_rows(const std::function<void(Row&&)>& visit) {
  rows_reached_end_ = state_.has_value() && !checkpoint_damaged_;
  if (!rows_reached_end_ || checkpoint_ == Lsn{}) return;
  Result<StateReader> reader = StateReader::open(*state_);
  if (!reader.ok()) {
    problem(reader.error().message);
    rows_reached_end_ = false;
    return;
  }
  for (;;) {
    Result<std::optional<Row>> row = reader.value().next();
    if (!row.ok()) {
      problem(row.error().message);
      rows_reached_end_ = !reader.value().broken();
      if (reader.value().broken()) return;
      continue;
    }
    if (!row.value()) return;
    visit(std::move(*row.value()));
  }
}

void FileRemains::read_log(Lsn after, const std::function<void(Batch&&)>& visit) {
  if (!log_ || !log_usable_) return;
  Result<LogReader> reader = LogReader::open(*log_);
  if (!reader.ok()) {
    problem(reader.error().message);
    return;
  }
  reader.value().start(after);
  for (;;) {
    Result<std::optional<Batch>> batch = reader.value().next();
    if (!batch.ok()) problem(batch.error().message);
    if (!batch.ok() || !batch.value()) return;
    visit(std::move(*batch.value()));
  }
}

}  // namespace

Result<std::unique_ptr<Remains>> open_remains(const std::string& directory) {
  Result<DirectoryLock> lock = DirectoryLock::take(directory);
  if (!lock.ok()) return lock.error();
  auto remains = std::make_unique<FileRemains>(lock.take());
  if (Status looked = remains->look_at_state(directory); !looked.ok()) return looked.error();
  if (Status looked = remains->look_at_log(directory); !looked.ok()) return looked.error();
  return std::unique_ptr<Remains>(std::move(remains));
}

}  // namespace tandem::store
