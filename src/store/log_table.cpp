// The statements that write log.db; see log_table.hpp.
#include "store/log_table.hpp"

#include <string>
#include <utility>

#include "store/schema.hpp"
#include "store/seal.hpp"

namespace tandem::store {

namespace {

Status make_tables(Database& database, std::uint64_t identity) {
  Status status = database.begin();
  if (!status.ok()) return status;
  const std::string sql = std::string(schema::log_tables) +
                          "PRAGMA application_id=" + std::to_string(schema::log_application_id) +
                          ";PRAGMA user_version=" + std::to_string(schema::version);
  status = database.execute(sql.c_str());
  if (!status.ok()) return status;
  Result<Statement> head =
      database.prepare("INSERT INTO head(id, identity, base, opened, wiping, seal) VALUES (1, ?, 0, 0, 0, ?)");
  if (!head.ok()) return head.error();
  const std::uint64_t seal = head_seal(identity, Lsn{0}, false, false);
  status = head.value().bind(1, identity).bind(2, seal).run();
  if (!status.ok()) return status;
  return database.commit();
}

}  // namespace

Result<LogTable> LogTable::open(const std::string& path, std::uint64_t identity, bool may_be_new) {
  Result<Database> database = Database::open(path, Access::write, schema::log_page_bytes, schema::log_cache_kib);
  if (!database.ok()) return database.error();
  Result<std::optional<std::int64_t>> version = database.value().first_integer("PRAGMA user_version");
  if (!version.ok()) return version.error();
  const std::int64_t found = version.value().value_or(0);
  if (found == 0 && !may_be_new) {
    return Error{path + ": is empty, although there are rows; set this store's directory aside and start empty"};
  }
  if (found == 0) {
    Status made = make_tables(database.value(), identity);
    if (!made.ok()) return made.error();
  } else if (found != schema::version) {
    return Error{path + ": has format " + std::to_string(found) + ", this program reads " +
                 std::to_string(schema::version) + "; use the program that wrote it"};
  }
  LogTable table(database.take());
  Status status = table.prepare();
  if (status.ok()) status = table.read_head();
  if (!status.ok()) return status.error();
  return table;
}

Status LogTable::prepare() {
  const std::pair<Statement*, const char*> all[] = {
      {&insert_,
       "INSERT OR REPLACE INTO batch(first, count, epoch_number, epoch_node, epoch_store, time_ms, stream_end, seal, "
       "bytes) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      {&put_meta_, "INSERT OR REPLACE INTO meta(id, bytes, seal) VALUES (1, ?, ?)"},
      {&put_head_, "UPDATE head SET base = ?, opened = ?, wiping = ?, seal = ? WHERE id = 1"},
      {&erase_behind_, "DELETE FROM batch WHERE first > ?"},
      {&erase_up_to_, "DELETE FROM batch WHERE first <= ?"},
      {&oldest_, "SELECT first, count, stream_end FROM batch ORDER BY first"},
  };
  for (const auto& [statement, sql] : all) {
    Result<Statement> prepared = database_.prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = prepared.take();
  }
  return {};
}

Status LogTable::read_head() {
  Result<Statement> select = database_.prepare("SELECT identity, base, opened, wiping, seal FROM head WHERE id = 1");
  if (!select.ok()) return select.error();
  Statement& row = select.value();
  Result<bool> there = row.step();
  if (!there.ok()) return there.error();
  if (there.value()) {
    head_ = {row.number(0), Lsn{row.number(1)}, row.integer(2) != 0, row.integer(3) != 0};
    if (row.number(4) == head_seal(head_.identity, head_.base, head_.opened, head_.wiping)) return {};
  }
  return Error{database_.name() + ": table head is damaged; set this store's directory aside and start empty"};
}

Status LogTable::insert(const Batch& batch, std::uint64_t stream_end) {
  const ByteView bytes = *batch.bytes;
  const std::uint64_t seal = batch_seal(batch, bytes, stream_end);
  insert_.bind(1, batch.first.value).bind(2, std::uint64_t{batch.count}).bind(3, batch.epoch.number);
  insert_.bind(4, batch.epoch.node.value).bind(5, batch.epoch.store).bind(6, batch.time.ms);
  insert_.bind(7, stream_end).bind(8, seal).bind(9, bytes);
  return insert_.run();
}

Status LogTable::put_meta(ByteView bytes) {
  return put_meta_.bind(1, bytes).bind(2, std::uint64_t{note_seal(Lsn{0}, bytes)}).run();
}

Status LogTable::put_head(const LogHead& head) {
  const std::uint64_t seal = head_seal(head.identity, head.base, head.opened, head.wiping);
  put_head_.bind(1, head.base.value).bind(2, std::uint64_t{head.opened}).bind(3, std::uint64_t{head.wiping});
  return put_head_.bind(4, seal).run();
}

Status LogTable::erase_behind(Lsn last_kept) {
  return erase_behind_.bind(1, last_kept.value).run();
}

Status LogTable::erase_up_to(Lsn first_erased_max) {
  return erase_up_to_.bind(1, first_erased_max.value).run();
}

Status LogTable::erase_all() {
  return database_.execute("DELETE FROM batch");
}

Result<ByteBuffer> LogTable::meta() {
  Result<Statement> select = database_.prepare("SELECT bytes, seal FROM meta WHERE id = 1");
  if (!select.ok()) return select.error();
  Statement& row = select.value();
  Result<bool> there = row.step();
  if (!there.ok()) return there.error();
  if (!there.value()) return ByteBuffer{};
  const ByteView bytes = row.blob(0);
  if (row.number(1) == note_seal(Lsn{0}, bytes)) return ByteBuffer(bytes);
  return Error{database_.name() + ": table meta is damaged; set this store's directory aside and start empty"};
}

Result<LogExtent> LogTable::extent() {
  LogExtent extent;
  const std::pair<const char*, bool> ends[] = {
      {"SELECT first, count, stream_end, length(bytes) FROM batch ORDER BY first LIMIT 1", true},
      {"SELECT first, count, stream_end, length(bytes) FROM batch ORDER BY first DESC LIMIT 1", false},
  };
  for (const auto& [sql, is_first] : ends) {
    Result<Statement> select = database_.prepare(sql);
    if (!select.ok()) return select.error();
    Statement& row = select.value();
    Result<bool> there = row.step();
    if (!there.ok()) return there.error();
    if (!there.value()) return LogExtent{};
    if (is_first) {
      extent.first = Lsn{row.number(0)};
      extent.stream_begin = row.number(2) - row.number(3);
    } else {
      extent.last = Lsn{row.number(0) + row.number(1) - 1};
      extent.stream_end = row.number(2);
    }
  }
  return extent;
}

Result<LogTable::Slice> LogTable::oldest(Lsn up_to, std::uint64_t max_batches, std::uint64_t max_bytes,
                                         std::uint64_t stream_begin) {
  Slice slice;
  while (slice.batches < max_batches && slice.bytes < max_bytes) {
    Result<bool> row = oldest_.step();
    if (!row.ok()) return row.error();
    if (!row.value()) return slice;
    const Lsn last{oldest_.number(0) + oldest_.number(1) - 1};
    if (last > up_to) break;
    ++slice.batches;
    slice.last = last;
    slice.last_first = Lsn{oldest_.number(0)};
    slice.bytes = oldest_.number(2) - stream_begin;
  }
  oldest_.reset();
  return slice;
}

}  // namespace tandem::store
