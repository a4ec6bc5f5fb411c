// Reads batches out of log.db in order; see log_reader.hpp.
#include "store/log_reader.hpp"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "store/seal.hpp"

namespace tandem::store {

Result<LogReader> LogReader::open(Database& database) {
  Result<Statement> select = database.prepare(
      "SELECT first, count, epoch_number, epoch_node, epoch_store, time_ms, stream_end, seal, bytes FROM batch "
      "WHERE first > ? ORDER BY first");
  if (!select.ok()) return select.error();
  Result<Statement> border = database.prepare(
      "SELECT base, (SELECT first + count - 1 FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1) "
      "FROM head WHERE id = 1");
  if (!border.ok()) return border.error();
  return LogReader(database, select.take(), border.take());
}

void LogReader::start(Lsn after) {
  select_.reset();
  select_.bind(1, after.value);
  expected_ = after.next();
}

Result<std::optional<Batch>> LogReader::next() {
  Result<bool> row = select_.step();
  if (!row.ok()) return Error{row.error().message + ", at lsn " + std::to_string(expected_.value)};
  if (!row.value()) return std::optional<Batch>{};
  Batch batch;
  batch.first = Lsn{select_.number(0)};
  const std::uint64_t count = select_.number(1);
  if (batch.first != expected_) {
    stop();
    return damage(expected_.value,
                  "a batch is missing (the next one begins at " + std::to_string(batch.first.value) + ")");
  }
  batch.count = static_cast<std::uint32_t>(count);
  batch.epoch = Epoch{select_.number(2), NodeId{select_.number(3)}, select_.number(4)};
  batch.time = Instant{select_.integer(5)};
  const ByteView bytes = select_.blob(8);
  const bool countable = count > 0 && count <= std::numeric_limits<std::uint32_t>::max();
  if (!countable || select_.number(7) != batch_seal(batch, bytes, select_.number(6))) {
    stop();
    return damage(batch.first.value, "the checksum of a batch is wrong");
  }
  batch.bytes = std::make_shared<const ByteBuffer>(bytes);
  expected_ = batch.last().next();
  return std::optional<Batch>{std::move(batch)};
}

void LogReader::stop() {
  select_.reset();
}

Result<bool> LogReader::holds(Lsn after) {
  Result<bool> row = border_.bind(1, after.value).step();
  if (!row.ok()) return row.error();
  const std::uint64_t base = row.value() ? border_.number(0) : 0;
  const std::uint64_t last_begun =
      row.value() ? border_.number(1) : 0;  // 0 (NULL): no batch begins at or before `after`
  border_.reset();
  return after.value >= base && last_begun <= after.value;
}

Error LogReader::damage(std::uint64_t lsn, const std::string& what) const {
  return Error{name_ + ": damaged at lsn " + std::to_string(lsn) + ": " + what +
               "; take the peer's copy: set this store's directory aside and start empty"};
}

}  // namespace tandem::store
