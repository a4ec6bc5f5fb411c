// Records into the bytes of a batch and back, over the size of the payload and the number of records in a batch.
#include <benchmark/benchmark.h>

#include <string>

#include "base/check.hpp"
#include "core/record_codec.hpp"
#include "tests/bench/micro/curves.hpp"

namespace tandem::micro {

namespace {

core::Published published(std::string_view payload) {
  core::Published record;
  record.publisher = 7;
  record.message.topic = "plant/line/17/temperature";
  record.message.payload = payload;
  record.message.qos = mqtt::Qos::at_least_once;
  return record;
}

// As a turn makes them: half are messages, half acknowledgements.
ByteBuffer batch(std::int64_t records, std::string_view payload) {
  ByteBuffer bytes;
  core::Acked acked;
  acked.session = 9;
  acked.packet_id = 300;
  for (std::int64_t i = 0; i < records; ++i) {
    if (i % 2 == 0)
      core::encode_record(published(payload), bytes);
    else
      core::encode_record(acked, bytes);
  }
  return bytes;
}

void decode(benchmark::State& run, const ByteBuffer& bytes, std::int64_t records) {
  for (auto _ : run) {
    ByteReader reader(bytes);
    while (!reader.at_end()) {
      const auto record = core::decode_record(reader);
      CHECK(record.ok());
      benchmark::DoNotOptimize(record);
    }
  }
  run.SetItemsProcessed(run.iterations() * records);
}

}  // namespace

void register_records(Stage&) {
  auto* const encode = benchmark::RegisterBenchmark("record/encode Published", [](benchmark::State& run) {
    const std::string payload(static_cast<std::size_t>(run.range(0)), 'x');
    const core::Published record = published(payload);
    ByteBuffer out;
    for (auto _ : run) {
      if (out.size() > 65'536) out.clear();
      core::encode_record(record, out);
      benchmark::DoNotOptimize(out);
    }
    run.SetItemsProcessed(run.iterations());
  });
  auto* const read = benchmark::RegisterBenchmark("record/decode Published", [](benchmark::State& run) {
    decode(run, batch(1, std::string(static_cast<std::size_t>(run.range(0)), 'x')), 1);
  });
  for (const int payload_bytes : {16, 256, 4'096, 65'536, 1'048'576}) {
    encode->Arg(payload_bytes);
    read->Arg(payload_bytes);
  }
  auto* const batches = benchmark::RegisterBenchmark("batch/decode, a record", [](benchmark::State& run) {
    decode(run, batch(run.range(0), std::string(64, 'x')), run.range(0));
  });
  auto* const written = benchmark::RegisterBenchmark("batch/encode, a record", [](benchmark::State& run) {
    const std::string payload(64, 'x');
    for (auto _ : run) benchmark::DoNotOptimize(batch(run.range(0), payload));
    run.SetItemsProcessed(run.iterations() * run.range(0));
  });
  for (const int records : {1, 10, 100, 1'000, 10'000}) {
    batches->Arg(records);
    written->Arg(records);
  }
}

}  // namespace tandem::micro
