#include "disk.hpp"

#include "doctest.hpp"

namespace tandem::core::test {

void Disk::begin(State& state, std::size_t batches) {
  given_.clear();
  next_batches_ = batches;
  next_described_ = describe(state);
  next_digest_ = std::make_shared<Digest>(state.digest());
  next_due_ = std::make_shared<Due>(state.due());
  encoding_ = std::make_unique<Checkpoint>(state);
}

bool Disk::step(std::size_t max_rows) {
  std::vector<Row> rows;
  const bool done = encoding_->step(max_rows, rows);
  for (Row& row : rows) given_.push_back(std::move(row));
  if (!done) return false;
  encoding_.reset();
  for (Row& row : given_) {
    if (row.erased)
      rows_.erase({row.kind, row.key});
    else
      rows_[{row.kind, row.key}] = std::move(row.value);
  }
  image_batches_ = next_batches_;
  described_ = next_described_;
  digest_ = next_digest_;
  due_ = next_due_;
  return true;
}

std::unique_ptr<State> Disk::load() const {
  return load_rows(rows_);
}

std::unique_ptr<State> load_rows(const Disk::Rows& rows) {
  auto state = std::make_unique<State>();
  ImageLoader loader(*state);
  for (const auto& [name, value] : rows) {
    const Status loaded = loader.load(Row{name.first, name.second, value, false});
    if (!loaded.ok()) FAIL(loaded.error().message);
  }
  const Status finished = loader.finish();
  if (!finished.ok()) FAIL(finished.error().message);
  std::size_t messages = 0;
  for (const auto& [name, value] : rows)
    messages += name.first == static_cast<std::uint8_t>(RowKind::message) ? 1U : 0U;
  if (state->messages().count() != messages) FAIL("the image has rows of messages that nothing refers to");
  return state;
}

}  // namespace tandem::core::test
