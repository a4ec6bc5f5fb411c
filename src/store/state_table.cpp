// The statements that write state.db; see state_table.hpp.
#include "store/state_table.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "store/schema.hpp"
#include "store/seal.hpp"

namespace tandem::store {

namespace {

Status make_tables(Database& database, std::uint64_t identity) {
  Status status = database.begin();
  if (!status.ok()) return status;
  const std::string sql = std::string(schema::state_tables) +
                          "PRAGMA application_id=" + std::to_string(schema::state_application_id) +
                          ";PRAGMA user_version=" + std::to_string(schema::version);
  status = database.execute(sql.c_str());
  if (!status.ok()) return status;
  Result<Statement> head = database.prepare("INSERT INTO head(id, identity) VALUES (1, ?)");
  if (!head.ok()) return head.error();
  status = head.value().bind(1, identity).run();
  if (!status.ok()) return status;
  return database.commit();
}

}  // namespace

Result<StateTable> StateTable::open(const std::string& path, std::uint64_t identity) {
  Result<Database> database = Database::open(path, Access::write, schema::state_page_bytes, schema::state_cache_kib);
  if (!database.ok()) return database.error();
  Result<std::optional<std::int64_t>> version = database.value().first_integer("PRAGMA user_version");
  if (!version.ok()) return version.error();
  const std::int64_t found = version.value().value_or(0);
  if (found == 0) {
    Status made = make_tables(database.value(), identity);
    if (!made.ok()) return made.error();
  } else if (found != schema::version) {
    return Error{path + ": has format " + std::to_string(found) + ", this program reads " +
                 std::to_string(schema::version) + "; use the program that wrote it"};
  }
  StateTable table(database.take());
  Status status = table.prepare();
  if (status.ok()) status = table.read();
  if (!status.ok()) return status.error();
  return table;
}

Status StateTable::prepare() {
  const std::pair<Statement*, const char*> all[] = {
      {&put_, "INSERT OR REPLACE INTO entity(kind, key, parts, seal, value) VALUES (?, ?, ?, ?, ?)"},
      {&put_part_, "INSERT INTO part(kind, key, part, seal, value) VALUES (?, ?, ?, ?, ?)"},
      {&erase_, "DELETE FROM entity WHERE kind = ? AND key = ?"},
      {&erase_parts_, "DELETE FROM part WHERE kind = ? AND key = ?"},
      {&put_checkpoint_, "INSERT OR REPLACE INTO checkpoint(id, lsn, info, seal) VALUES (1, ?, ?, ?)"},
  };
  for (const auto& [statement, sql] : all) {
    Result<Statement> prepared = database_.prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = prepared.take();
  }
  return {};
}

Status StateTable::read() {
  Result<std::optional<std::int64_t>> identity = database_.first_integer("SELECT identity FROM head WHERE id = 1");
  if (!identity.ok()) return identity.error();
  if (!identity.value()) {
    return Error{database_.name() + ": table head is damaged; set this store's directory aside and start empty"};
  }
  identity_ = static_cast<std::uint64_t>(*identity.value());
  Result<std::optional<std::int64_t>> parts = database_.first_integer("SELECT EXISTS (SELECT 1 FROM part)");
  if (!parts.ok()) return parts.error();
  has_parts_ = parts.value().value_or(0) != 0;
  return {};
}

Status StateTable::erase_parts(const Row& row) {
  if (!has_parts_) return {};
  return erase_parts_.bind(1, std::uint64_t{row.kind}).bind(2, ByteView(row.key)).run();
}

Status StateTable::put(const Row& row) {
  Status status = erase_parts(row);
  if (!status.ok()) return status;
  const std::uint64_t kind = row.kind;
  if (row.erased) return erase_.bind(1, kind).bind(2, ByteView(row.key)).run();

  const ByteView value = row.value;
  const std::size_t part_bytes = limits::max_row_bytes;
  const std::uint64_t parts = std::max<std::size_t>(1, (value.size() + part_bytes - 1) / part_bytes);
  ByteView piece = value.substr(0, part_bytes);
  put_.bind(1, kind).bind(2, ByteView(row.key)).bind(3, parts);
  status = put_.bind(4, std::uint64_t{part_seal(kind, row.key, 0, parts, piece)}).bind(5, piece).run();
  for (std::uint64_t part = 1; status.ok() && part < parts; ++part) {
    has_parts_ = true;
    piece = value.substr(static_cast<std::size_t>(part) * part_bytes, part_bytes);
    put_part_.bind(1, kind).bind(2, ByteView(row.key)).bind(3, part);
    status = put_part_.bind(4, std::uint64_t{part_seal(kind, row.key, part, parts, piece)}).bind(5, piece).run();
  }
  return status;
}

Status StateTable::put_checkpoint(Lsn at, ByteView info) {
  put_checkpoint_.bind(1, at.value).bind(2, info);
  return put_checkpoint_.bind(3, std::uint64_t{note_seal(at, info)}).run();
}

Status StateTable::erase_rows() {
  return database_.execute("DELETE FROM entity; DELETE FROM part");
}

Status StateTable::erase_all() {
  Status status = erase_rows();
  if (!status.ok()) return status;
  return database_.execute("DELETE FROM checkpoint");
}

}  // namespace tandem::store
