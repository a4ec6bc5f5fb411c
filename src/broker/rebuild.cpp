// What is sound of a damaged store, in a new one.
#include "broker/rebuild.hpp"

#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "core/image.hpp"
#include "core/state.hpp"
#include "mirror/meta.hpp"

namespace tandem::broker {

namespace {

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
  if (!meta.history.entries().empty()) meta.before_damage = std::exchange(meta.history, {});
  meta.last_role = mirror::LastRole::stale;
  return meta;
}

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

Result<std::string> rebuild_store(store::Remains& remains, store::Store& store, std::uint64_t fresh_store_id,
                                  const std::string& folder, const std::string& known) {
  constexpr std::size_t drain_bytes = 32 * limits::mib;
  store.write_meta(mirror::encode_meta(stale_meta(remains.meta(), fresh_store_id)), 1);
  if (Status drained = drain(store, Lsn{}); !drained.ok()) return drained.error();

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
    if (Status drained = drain(store, found.last); !drained.ok()) return drained.error();
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
  if (!status.ok()) return status.error();
  return report_text(folder, known, remains, found);
}

}  // namespace tandem::broker
