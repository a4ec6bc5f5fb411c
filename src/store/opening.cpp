// Opens the files of a store; see opening.hpp.
#include "store/opening.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "store/ballast.hpp"
#include "store/state_reader.hpp"
#include "store/wal_check.hpp"

namespace tandem::store {

namespace {

constexpr const char* advice = "; take the peer's copy: set this store's directory aside and start empty";

std::uint64_t draw_identity() {
  std::random_device source;
  return (static_cast<std::uint64_t>(source()) << 32) | source();
}

// What is on disk before SQLite touches it.
struct Presence {
  bool log = false;
  bool log_wal = false;
  bool state = false;
};

Result<Presence> look(const std::string& log_path, const std::string& state_path) {
  Presence presence{file_exists(log_path), file_exists(log_path + "-wal"), file_exists(state_path)};
  if (presence.log && !presence.state) {
    return Error{state_path + ": is missing, although " + log_file + " is there" + advice};
  }
  for (const std::string& path : {log_path, state_path}) {
    if (!file_exists(path)) continue;
    Status checked = check_write_ahead_file(path + "-wal");
    if (!checked.ok()) return checked.error();
  }
  return presence;
}

// Marks the log as in use, in the database file itself: when its write-ahead file is not there at the next start,
// people are told.
Status mark_opened(LogTable& log, LogHead head) {
  if (head.opened) return {};
  head.opened = true;
  Status status = log.database().begin();
  if (status.ok()) status = log.put_head(head);
  if (status.ok()) status = log.database().commit();
  if (!status.ok()) return status;
  Result<Database::Folded> folded = log.database().fold();
  return folded.ok() ? Status{} : Status{folded.error()};
}

// Gives the write-ahead file of the log its usual size at once. A commit that makes a file longer has to sync the file
// system's journal too, which costs several milliseconds; one that writes over old bytes does not. Zeros behind the end
// mean nothing to SQLite. Before anything is written by the threads; without it (disk full) the store is only slower.
void lengthen_write_ahead_file(const std::string& path, std::size_t target_bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const std::string zeros(1 << 20, '\0');
  for (off_t at = size; at >= 0 && at < static_cast<off_t>(target_bytes); at += static_cast<off_t>(zeros.size())) {
    if (::pwrite(fd, zeros.data(), zeros.size(), at) != static_cast<ssize_t>(zeros.size())) {
      [[maybe_unused]] const int given_up = ::ftruncate(fd, size);
      break;
    }
  }
  ::fdatasync(fd);
  ::close(fd);
}

Status erase_state(StateTable& state) {
  Status status = state.database().begin();
  if (status.ok()) status = state.erase_all();
  if (status.ok()) status = state.database().commit();
  return status;
}

// An empty log that follows `head.base`.
Status empty_log(LogTable& log, const LogHead& head) {
  Status status = log.database().begin();
  if (status.ok()) status = log.erase_all();
  if (status.ok()) status = log.put_head(head);
  if (status.ok()) status = log.database().commit();
  return status;
}

// Makes log and rows fit together; changes `opened` to what is there then.
Status reconcile(Opened& opened, LogHead& head, const std::string& directory) {
  if (head.wiping) {
    head.base = Lsn{0};
    head.wiping = false;
    Status status = erase_state(opened.state);
    if (status.ok()) status = empty_log(opened.log, head);
    if (!status.ok()) return status;
    opened.extent = {};
    opened.found.checkpoint = Lsn{0};
    opened.found.checkpoint_info.clear();
  }
  const Lsn checkpoint = opened.found.checkpoint;
  if (head.base > checkpoint) {
    return Error{directory + ": the log follows lsn " + std::to_string(head.base.value) +
                 ", but the rows hold State at " + std::to_string(checkpoint.value) + " only" + advice};
  }
  const Lsn last = std::max(opened.extent.last, head.base);
  opened.end = std::max(last, checkpoint);
  if (last >= checkpoint) return {};
  // An image was committed, and the crash came before the log was started anew behind it.
  if (opened.extent.last != Lsn{}) {
    opened.remark = Error{std::string(log_file) + ": ended at lsn " + std::to_string(last.value) +
                          ", before the rows' lsn " + std::to_string(checkpoint.value) + "; it goes on behind that"};
  }
  head.base = checkpoint;
  opened.extent = {};
  return empty_log(opened.log, head);
}

Result<Opened> open_locked(const StoreOptions& options, DirectoryLock& lock) {
  const std::string log_path = options.directory + "/" + log_file;
  const std::string state_path = options.directory + "/" + state_file;
  Result<Presence> presence = look(log_path, state_path);
  if (!presence.ok()) return presence.error();

  Result<StateTable> state = StateTable::open(state_path, draw_identity());
  if (!state.ok()) return state.error();
  Result<CheckpointNote> note = StateReader::checkpoint(state.value().database());
  if (!note.ok()) return note.error();
  const bool has_rows = note.value().at != Lsn{};
  if (!presence.value().log && has_rows) {
    return Error{log_path + ": is missing, although " + state_file + " has rows" + advice};
  }
  Result<LogTable> log = LogTable::open(log_path, state.value().identity(), !has_rows);
  if (!log.ok()) return log.error();
  LogHead head = log.value().head();
  if (head.identity != state.value().identity()) {
    return Error{options.directory + ": log.db and state.db belong to different stores" + advice};
  }
  Result<LogExtent> extent = log.value().extent();
  if (!extent.ok()) return extent.error();
  Result<ByteBuffer> meta = log.value().meta();
  if (!meta.ok()) return meta.error();

  Opened opened{std::move(lock), state.take(), log.take(), extent.value(), Found{}, Lsn{}, std::nullopt};
  if (head.opened && !presence.value().log_wal) {
    opened.found.log_may_be_short = true;
    opened.remark = Error{log_path +
                          "-wal: is missing, although the log was not closed in order; if it was deleted, what it "
                          "held is lost; if another program folded it into log.db, nothing is"};
  }
  opened.found.meta = meta.take();
  opened.found.checkpoint = note.value().at;
  opened.found.checkpoint_info = std::move(note.value().info);
  Status status = reconcile(opened, head, options.directory);
  if (status.ok()) status = mark_opened(opened.log, head);
  if (status.ok()) status = opened.log.read_head();
  if (status.ok()) status = sync_directory(options.directory);
  if (!status.ok()) {
    lock = std::move(opened.lock);
    return status.error();
  }
  lengthen_write_ahead_file(log_path + "-wal", options.wal_fold_bytes + options.wal_fold_bytes / 4);
  opened.found.log_first = opened.extent.first;
  opened.found.log_last = opened.extent.last;
  opened.found.fresh = opened.end == Lsn{} && opened.found.meta.empty();
  return opened;
}

// True: the disk was (nearly) full, and the ballast's space is free now.
bool make_room(const std::string& directory) {
  struct statvfs space {};
  if (::statvfs(directory.c_str(), &space) != 0) return false;
  if (static_cast<long long>(space.f_bavail) * static_cast<long long>(space.f_frsize) >= Ballast::bytes) return false;
  return ::unlink((directory + "/" + ballast_file).c_str()) == 0;
}

}  // namespace

Result<Opened> open_files(const StoreOptions& options) {
  Result<DirectoryLock> lock = DirectoryLock::take(options.directory);
  if (!lock.ok()) return lock.error();
  Result<Opened> opened = open_locked(options, lock.value());
  if (!opened.ok() && make_room(options.directory)) return open_locked(options, lock.value());
  return opened;
}

}  // namespace tandem::store
