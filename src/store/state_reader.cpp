// Reads the rows of the last checkpoint out of state.db; see state_reader.hpp.
#include "store/state_reader.hpp"

#include <cstdio>
#include <string>
#include <utility>

#include "store/seal.hpp"

namespace tandem::store {

namespace {

std::string printable(ByteView key) {
  std::string text;
  for (const char c : key.substr(0, 64)) {
    char escaped[5];
    const bool plain = c >= ' ' && c <= '~' && c != '\\';
    if (!plain) std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += plain ? std::string(1, c) : std::string(escaped);
  }
  return text;
}

}  // namespace

Result<StateReader> StateReader::open(Database& database) {
  Result<Statement> rows = database.prepare("SELECT kind, key, parts, seal, value FROM entity ORDER BY kind, key");
  if (!rows.ok()) return rows.error();
  Result<Statement> parts =
      database.prepare("SELECT part, seal, value FROM part WHERE kind = ? AND key = ? ORDER BY part");
  if (!parts.ok()) return parts.error();
  return StateReader(database, rows.take(), parts.take());
}

Result<CheckpointNote> StateReader::checkpoint(Database& database) {
  Result<Statement> select = database.prepare("SELECT lsn, info, seal FROM checkpoint WHERE id = 1");
  if (!select.ok()) return select.error();
  Statement& row = select.value();
  Result<bool> there = row.step();
  if (!there.ok()) return there.error();
  if (!there.value()) return CheckpointNote{};
  CheckpointNote note{Lsn{row.number(0)}, ByteBuffer(row.blob(1))};
  if (row.number(2) == note_seal(note.at, note.info)) return note;
  return Error{database.name() + ": table checkpoint is damaged; set this store's directory aside and start empty"};
}

Result<std::uint64_t> StateReader::used_bytes(Database& database) {
  std::int64_t values[3] = {0, 0, 0};
  const char* pragmas[3] = {"PRAGMA page_size", "PRAGMA page_count", "PRAGMA freelist_count"};
  for (int i = 0; i < 3; ++i) {
    Result<std::optional<std::int64_t>> value = database.first_integer(pragmas[i]);
    if (!value.ok()) return value.error();
    values[i] = value.value().value_or(0);
  }
  return static_cast<std::uint64_t>(values[0] * (values[1] - values[2]));
}

Result<std::optional<Row>> StateReader::next() {
  Result<bool> there = rows_.step();
  if (!there.ok()) {
    broken_ = true;
    return there.error();
  }
  if (!there.value()) return std::optional<Row>{};
  Row row;
  const std::uint64_t kind = rows_.number(0);
  row.kind = static_cast<std::uint8_t>(kind);
  row.key = ByteBuffer(rows_.blob(1));
  row.value = ByteBuffer(rows_.blob(4));
  const std::uint64_t parts = rows_.number(2);
  if (rows_.number(3) != part_seal(kind, row.key, 0, parts, row.value) || kind > 0xFF) {
    return damage(row, "its checksum is wrong");
  }
  if (parts > 1) {
    Status added = add_parts(row, parts);
    if (!added.ok()) return added.error();
  }
  return std::optional<Row>{std::move(row)};
}

Status StateReader::add_parts(Row& row, std::uint64_t parts) {
  parts_.bind(1, std::uint64_t{row.kind}).bind(2, ByteView(row.key));
  for (std::uint64_t part = 1; part < parts; ++part) {
    Result<bool> there = parts_.step();
    if (!there.ok()) return there.error();
    const bool right = there.value() && parts_.number(0) == part;
    if (!right || parts_.number(1) != part_seal(row.kind, row.key, part, parts, parts_.blob(2))) {
      parts_.reset();
      return damage(row, right ? "the checksum of a part is wrong" : "a part is missing");
    }
    row.value.append(parts_.blob(2));
  }
  parts_.reset();
  return {};
}

Error StateReader::damage(const Row& row, const char* what) const {
  return Error{name_ + ": damaged: the row of kind " + std::to_string(row.kind) + " with key \"" + printable(row.key) +
               "\": " + what + "; take the peer's copy: set this store's directory aside and start empty"};
}

}  // namespace tandem::store
