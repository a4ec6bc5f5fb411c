// Records and rows that nobody of us wrote.
#include <string>
#include <vector>

#include "base/check.hpp"
#include "core/apply.hpp"
#include "core/image.hpp"
#include "core/record_codec.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

namespace {

using namespace core;

void examine_record(const Record& record) {
  ByteBuffer once;
  encode_record(record, once);
  ByteReader reader(once);
  const Result<Record> again = decode_record(reader);
  CHECK(again.ok() && reader.at_end());
  ByteBuffer twice;
  encode_record(again.value(), twice);
  CHECK(once == twice);
}

void apply_at(State& state, std::uint64_t lsn, const Record& record) {
  Effects effects;
  Applying to{state, lsn, Instant{static_cast<std::int64_t>(lsn) * 100}, effects};
  apply(to, record);
  CHECK(effects.list.empty());  // no client is connected here
}

void save(State& state) {
  std::vector<Row> rows;
  Checkpoint checkpoint(state);
  while (!checkpoint.step(100, rows)) {
  }
}

// Everyone comes, and a message arrives for each filter that is a topic.
void go_on(State& state) {
  std::vector<std::string> clients;
  std::vector<std::string> topics = {"t"};
  for (const auto& [id, session] : state.sessions()) {
    clients.push_back(session->client_id);
    for (const auto& [filter, subscription] : session->subscriptions) topics.push_back(filter);
  }
  std::uint64_t lsn = std::uint64_t{1} << 40;
  apply_at(state, ++lsn, EpochBegan{{9, {1}, 1}, 0});
  for (const std::string& client : clients) {
    Connected connected;
    connected.client_id = client;
    connected.durable = true;
    connected.session_expiry_s = 60;
    connected.receive_maximum = 3;
    connected.max_queue_messages = 4;
    connected.max_queue_bytes = 1'000;
    connected.queue_policy = QueuePolicy::drop_oldest;
    apply_at(state, ++lsn, connected);
  }
  for (const std::string& topic : topics) {
    Published published;
    published.message.topic = topic;
    published.message.qos = mqtt::Qos::at_least_once;
    published.message.retain = true;
    for (int i = 0; i < 3; ++i) apply_at(state, ++lsn, published);
  }
  for (const std::string& client : clients) apply_at(state, ++lsn, Disconnected{client, true, 0});
}

}  // namespace

void examine_records(ByteView input) {
  State state;
  std::uint64_t lsn = 0;
  for (ByteReader reader(input); !reader.at_end();) {
    const Result<Record> record = decode_record(reader);
    if (!record.ok()) break;
    examine_record(record.value());
    apply_at(state, ++lsn, record.value());
  }
  CHECK(state.digest() == recompute_digest(state));
}

void examine_rows(ByteView input) {
  State state;
  ImageLoader loader(state);
  for (ByteReader in(input); !in.at_end();) {
    Row row;
    row.kind = in.u8();
    row.key = ByteBuffer(at_most(in, in.u8()));
    row.value = ByteBuffer(at_most(in, in.u16_le()));
    if (!loader.load(row).ok()) return;
  }
  if (!loader.finish().ok()) return;
  CHECK(state.digest() == recompute_digest(state));
  go_on(state);
  save(state);
  CHECK(state.digest() == recompute_digest(state));
}

}  // namespace tandem::fuzz
