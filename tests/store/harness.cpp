// What the store's tests share; see harness.hpp.
#include "harness.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/check.hpp"
#include "base/hash.hpp"

namespace tandem::store::testing {

Directory::Directory() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/tandem-store-XXXXXX";
  CHECK(::mkdtemp(path_.data()) != nullptr);
}

Directory::~Directory() {
  std::filesystem::remove_all(path_);
}

std::vector<std::string> Directory::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

Batch make_batch(Lsn first, std::uint32_t count, std::size_t size, std::uint64_t flavour) {
  Batch batch;
  batch.first = first;
  batch.count = count;
  batch.epoch = Epoch{7, node_id_from_name("boxa"), 0xF123456789ABCDEFULL};
  batch.time = Instant{1'700'000'000'000 + static_cast<std::int64_t>(first.value)};
  ByteBuffer bytes(size, '\0');
  std::uint64_t word = mix64(first.value + 1'000'000'007 * flavour);
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) word = mix64(word + i + 1);
    bytes[i] = static_cast<char>(word >> (8 * (i % 8)));
  }
  batch.bytes = std::make_shared<const ByteBuffer>(std::move(bytes));
  return batch;
}

bool same(const Batch& a, const Batch& b) {
  return a.first == b.first && a.count == b.count && a.epoch == b.epoch && a.time == b.time && *a.bytes == *b.bytes;
}

Row make_row(std::uint8_t kind, std::string key, std::string value) {
  return Row{kind, std::move(key), std::move(value), false};
}

Row erased_row(std::uint8_t kind, std::string key) {
  return Row{kind, std::move(key), {}, true};
}

std::vector<std::string> shown(const std::vector<Row>& rows) {
  std::vector<std::string> all;
  for (const Row& row : rows) {
    std::string value = row.value;
    if (value.size() > 40) value = std::to_string(value.size()) + "#" + std::to_string(hash64(row.value));
    all.push_back(std::to_string(row.kind) + ":" + row.key + "=" + value);
  }
  return all;
}

StoreOptions test_options() {
  StoreOptions options;
  options.wal_fold_bytes = 1 << 20;
  return options;
}

Running::Running(const std::string& directory, StoreOptions options) : options_(std::move(options)) {
  options_.directory = directory;
  open();
}

void Running::open() {
  Result<std::unique_ptr<Store>> opened = open_store(options_);
  if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.error().message.c_str());
  CHECK(opened.ok());
  store_ = opened.take();
  next_ = std::max(store_->found().log_last, store_->found().checkpoint).next();
}

bool Running::until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    Events events = store_->take_events();
    durable = events.durable;
    disk_full = events.disk_full;
    tokens.insert(tokens.end(), events.tokens.begin(), events.tokens.end());
    if (events.checkpoint) checkpoints.push_back(*events.checkpoint);
    if (events.trimmed_to) trimmed_to = *events.trimmed_to;
    for (Chunk& chunk : events.chunks) chunks.push_back(std::move(chunk));
    for (const Error& error : events.errors) errors.push_back(error.message);
    if (done()) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    pollfd readable{store_->event_fd(), POLLIN, 0};
    ::poll(&readable, 1, 1000);
  }
}

bool Running::until_durable(Lsn lsn) {
  return until([&] { return durable >= lsn; });
}

bool Running::until_token(std::uint64_t token) {
  return until([&] { return std::find(tokens.begin(), tokens.end(), token) != tokens.end(); });
}

Lsn Running::append(int batches, std::uint32_t count, std::size_t size, bool urgent) {
  for (int i = 0; i < batches; ++i) {
    store_->append(make_batch(next_, count, size), urgent);
    next_ = next_.plus(count);
  }
  return Lsn{next_.value - 1};
}

bool Running::checkpoint(Lsn at, const std::string& info, std::vector<Row> rows, bool replace_all) {
  store_->begin_checkpoint(at, info, replace_all);
  store_->put_rows(std::move(rows));
  const std::uint64_t token = ++token_;
  store_->commit_checkpoint(token);
  return until_token(token);
}

std::vector<Row> Running::rows() {
  std::vector<Row> rows;
  const Status status = store_->load_rows([&](Row&& row) {
    rows.push_back(std::move(row));
    return Status{};
  });
  CHECK(status.ok());
  return rows;
}

std::vector<Batch> Running::log(Lsn after) {
  std::vector<Batch> batches;
  const Status status = store_->load_log(after, [&](Batch&& batch) {
    batches.push_back(std::move(batch));
    return Status{};
  });
  CHECK(status.ok());
  return batches;
}

}  // namespace tandem::store::testing
