#include "broker/salvage.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/limits.hpp"
#include "core/image.hpp"
#include "core/state.hpp"
#include "mirror/meta.hpp"
#include "store/directory.hpp"
#include "store/remains.hpp"

namespace tandem::broker {

namespace {

constexpr const char* marker_file = "damage";
constexpr const char* moving = "moving ";
constexpr const char* done = "done ";

std::string folder_name(Instant wall) {
  const std::time_t seconds = static_cast<std::time_t>(wall.ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "damaged-%Y%m%dT%H%M%SZ", &parts);
  return {text, size};
}

std::string read_file(const std::string& path) {
  const std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

// The rows of which an image can be built: whoever needs a row that is gone goes as well. `lost` counts those.
std::vector<Row> usable(std::vector<Row> rows, std::size_t& lost) {
  for (;;) {
    core::State state;
    core::ImageLoader loader(state);
    std::vector<Row> kept;
    for (Row& row : rows) {
      if (loader.load(row).ok()) kept.push_back(std::move(row));
    }
    const bool whole = loader.finish().ok();
    lost += rows.size() - kept.size();
    if (!whole) {  // epoch and counters are gone: nothing can be built
      lost += kept.size();
      return {};
    }
    if (kept.size() == rows.size()) return kept;
    rows = std::move(kept);
  }
}

// STALE, and no history: as long as it is so, nothing in this store counts as shared with the peer, and all of it is
// fetched anew.
mirror::Meta stale_meta(const ByteBuffer& old, std::uint64_t fresh_store_id) {
  mirror::Meta meta;
  meta.store = fresh_store_id;
  meta.alone_from = Lsn{1};  // not known: all of it may have been acknowledged here alone
  if (Result<mirror::Meta> known = mirror::decode_meta(old); known.ok()) meta = known.take();
  meta.history = {};
  meta.last_role = mirror::LastRole::stale;
  return meta;
}

}  // namespace

Status Salvage::write_marker(const std::string& text) const {
  const std::string fresh = path(std::string(marker_file) + ".new");
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!written || std::rename(fresh.c_str(), path(marker_file).c_str()) != 0) {
    return Error{path(marker_file) + ": cannot be written; is there space and permission?"};
  }
  return store::sync_directory(options_.directory);
}

// A file that is in the folder already was moved before a crash; what has its name here is a new store, not complete.
Status Salvage::move_files(const std::string& folder) const {
  std::error_code code;
  std::filesystem::create_directory(path(folder), code);
  for (const std::string& name : store::store_file_names()) {
    const std::string from = path(name);
    const std::string to = path(folder) + "/" + name;
    if (!std::filesystem::exists(from, code)) continue;
    if (std::filesystem::exists(to, code)) {
      std::filesystem::remove(from, code);
    } else {
      std::filesystem::rename(from, to, code);
    }
    if (code) return Error{from + ": cannot be moved to " + to + ": " + code.message()};
  }
  if (Status synced = store::sync_directory(path(folder)); !synced.ok()) return synced;
  return store::sync_directory(options_.directory);
}

Status Salvage::resume() {
  const std::string marker = read_file(path(marker_file));
  if (marker.rfind(moving, 0) != 0) return {};
  std::string folder = marker.substr(std::string(moving).size());
  const std::size_t end = folder.find('\n');
  const std::string known = end == std::string::npos ? std::string() : folder.substr(end + 1);
  folder = folder.substr(0, end);
  // Whatever was begun without having moved everything is begun again.
  if (Status moved = move_files(folder); !moved.ok()) return moved;
  return rebuild(folder, known);
}

Result<bool> Salvage::set_aside(Instant wall, const std::string& known) {
  bool damaged = !known.empty();
  {
    Result<store::Remains> remains = store::Remains::open(options_.directory);
    if (!remains.ok()) return false;
    remains.value().read_rows([](Row&&) {});
    remains.value().read_log(remains.value().checkpoint(), [](Batch&&) {});
    damaged = damaged || !remains.value().problems().empty();
  }
  if (!damaged) return false;
  const std::string folder = folder_name(wall);
  if (std::filesystem::exists(path(folder))) return Error{path(folder) + " exists already: try again in a second"};
  if (Status noted = write_marker(moving + folder + "\n" + known); !noted.ok()) return noted.error();
  if (Status moved = move_files(folder); !moved.ok()) return moved.error();
  if (Status built = rebuild(folder, known); !built.ok()) return built.error();
  return true;
}

namespace {

// Everything that was handed over is on the disk.
Status drain(store::Store& store, Lsn last) {
  return store.load_log(last, [](Batch&&) { return Status{}; });
}

// What was found, for the report.
struct Found {
  std::size_t lost_rows = 0;
  bool rows_readable = true;
  Lsn rows_at;
  Lsn last;
};

// How far the log alone goes, if it still begins with record 1.
Lsn log_reach(store::Remains& remains) {
  Lsn last;
  if (remains.log_begin_seen() != Lsn{1}) return last;
  remains.read_log(Lsn{}, [&](Batch&& batch) { last = batch.last(); });
  return last;
}

std::string report_text(const std::string& folder, const std::string& known, const store::Remains& remains,
                        const Found& found) {
  std::string text = "This box's store was damaged and is kept in " + folder + ". What was found: ";
  if (!known.empty()) text += known + "; ";
  for (const std::string& problem : remains.problems()) text += problem + "; ";
  text.replace(text.size() - 2, 2, ". ");
  if (found.last == Lsn{}) {
    text += "Nothing of it can be used.";
  } else {
    text += "Sound and in use: everything up to record " + number(found.last.value) + ".";
  }
  if (found.lost_rows != 0 || !found.rows_readable) {
    text +=
        " Missing: of the state at record " + number(found.rows_at.value) + ", " +
        (found.rows_readable ? "" : "at least ") + number(found.lost_rows) +
        " rows (unreadable, or of no use without an unreadable one), and all records behind it, which need every row.";
  }
  if (remains.log_end_seen() > found.last) {
    text += " Missing: records " + number(found.last.next().value) + " to at least " +
            number(remains.log_end_seen().value) + ".";
  } else {
    text += " Missing: whatever came behind that, if anything did.";
  }
  return text;
}

}  // namespace

// The metadata first: a crash in between must not leave a store that looks EMPTY.
Status Salvage::rebuild(const std::string& folder, const std::string& known) {
  constexpr std::size_t drain_bytes = 32 * limits::mib;
  Result<store::Remains> opened = store::Remains::open(path(folder));
  if (!opened.ok()) return opened.error();
  store::Remains& remains = opened.value();
  Result<std::unique_ptr<store::Store>> fresh = store::open_store(options_);
  if (!fresh.ok()) return fresh.error();
  store::Store& store = *fresh.value();
  store.write_meta(mirror::encode_meta(stale_meta(remains.meta(), random_())), 1);
  if (Status drained = drain(store, Lsn{}); !drained.ok()) return drained;

  Found found;
  found.rows_at = remains.checkpoint();
  const std::size_t problems = remains.problems().size();
  std::vector<Row> rows;
  remains.read_rows([&](Row&& row) { rows.push_back(std::move(row)); });
  found.lost_rows = remains.problems().size() - problems;
  rows = usable(std::move(rows), found.lost_rows);
  found.rows_readable = remains.rows_reached_end();
  bool whole = found.rows_readable && found.lost_rows == 0;
  const Lsn reach = whole ? Lsn{} : log_reach(remains);
  if (reach != Lsn{} && reach >= found.rows_at) {  // the log has it all
    whole = found.rows_readable = true;
    found.lost_rows = 0;
    found.rows_at = Lsn{};
  }
  if (found.rows_at != Lsn{} && (whole || !rows.empty())) {
    found.last = found.rows_at;
    store.begin_checkpoint(found.last, remains.checkpoint_info(), true);
    store.put_rows(std::move(rows));
    store.commit_checkpoint(2);
    store.restart_log(found.last);
    if (Status drained = drain(store, found.last); !drained.ok()) return drained;
  }
  Status status;
  std::size_t bytes = 0;
  if (whole) {
    remains.read_log(found.last, [&](Batch&& batch) {
      found.last = batch.last();
      bytes += batch.bytes->size();
      store.append(std::move(batch), false);
      if (bytes < drain_bytes || !status.ok()) return;
      bytes = 0;
      status = drain(store, found.last);
    });
  }
  if (Result<mirror::Meta> known_meta = mirror::decode_meta(remains.meta()); whole && known_meta.ok()) {
    mirror::Meta meta = known_meta.take();  // what is here is State at found.last exactly: what follows is enough
    meta.last_role = mirror::LastRole::stale;
    store.write_meta(mirror::encode_meta(meta), 3);
  }
  if (status.ok()) status = drain(store, found.last);
  if (!status.ok()) return status;
  return write_marker(done + folder + "\n" + report_text(folder, known, remains, found) + "\n");
}

std::string Salvage::missing() const {
  const std::string marker = read_file(path(marker_file));
  const std::size_t end = marker.find('\n');
  if (marker.rfind(done, 0) != 0 || end == std::string::npos) return {};
  return marker.substr(end + 1, marker.size() - end - 2);
}

void Salvage::healed() {
  const std::string marker = read_file(path(marker_file));
  if (marker.rfind(done, 0) != 0) return;
  const std::size_t begin = std::string(done).size();
  const std::string folder = marker.substr(begin, marker.find('\n') - begin);
  std::error_code code;
  std::filesystem::rename(path(marker_file), path(folder) + "/report.txt", code);
  if (code) std::filesystem::remove(path(marker_file), code);
  // If that does not last, the next start says once more what was missing.
  static_cast<void>(store::sync_directory(options_.directory));
}

}  // namespace tandem::broker
