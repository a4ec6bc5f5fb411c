// PUBLISH and SUBSCRIBE as bytes: parsed and written, over sizes of payload and numbers of filters.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/check.hpp"
#include "mqtt/codec.hpp"
#include "tests/bench/micro/curves.hpp"

namespace tandem::micro {

namespace {

constexpr std::string_view topic = "plant/line/17/temperature";
constexpr std::string_view v5_properties("\x03\x00\x04text", 7);  // Content Type

// Borrows the payload.
mqtt::PublishParts parts_of(const std::string& payload, mqtt::Version version) {
  mqtt::PublishParts parts;
  parts.topic = topic;
  parts.payload = payload;
  parts.packet_id = 7;
  parts.qos = mqtt::Qos::at_least_once;
  if (version == mqtt::Version::v5) parts.properties = v5_properties;
  return parts;
}

ByteBuffer publish(std::int64_t payload_bytes, mqtt::Version version) {
  const std::string payload(static_cast<std::size_t>(payload_bytes), 'x');
  ByteBuffer bytes;
  mqtt::encode_publish(parts_of(payload, version), version, bytes);
  return bytes;
}

void decode(benchmark::State& run, const ByteBuffer& bytes, mqtt::Version version) {
  mqtt::DecodeOptions options;
  options.version = version;
  mqtt::Packet packet;
  for (auto _ : run) {
    const mqtt::Decoded decoded = mqtt::decode(bytes, options, packet);
    benchmark::DoNotOptimize(packet);
    CHECK(decoded.status == mqtt::DecodeStatus::packet);
  }
  run.SetItemsProcessed(run.iterations());
}

void encode(benchmark::State& run, mqtt::Version version) {
  const std::string payload(static_cast<std::size_t>(run.range(0)), 'x');
  const mqtt::PublishParts parts = parts_of(payload, version);
  ByteBuffer out;
  for (auto _ : run) {
    if (out.size() > 65'536) out.clear();  // a connection's buffer of a turn
    mqtt::encode_publish(parts, version, out);
    benchmark::DoNotOptimize(out);
  }
  run.SetItemsProcessed(run.iterations());
}

ByteBuffer subscribe(std::int64_t filters) {
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < filters; ++i) texts.push_back("plant/line/" + std::to_string(i) + "/+/temperature/#");
  mqtt::Subscribe packet;
  packet.packet_id = 7;
  for (const std::string& text : texts) packet.requests.push_back({text, {.qos = mqtt::Qos::at_least_once}});
  ByteBuffer bytes;
  mqtt::encode(packet, mqtt::Version::v311, bytes);
  return bytes;
}

}  // namespace

void register_codec(Stage&) {
  const auto over_payloads = [](auto* b) { b->Arg(16)->Arg(256)->Arg(4'096)->Arg(65'536)->Arg(1'048'576); };
  for (const auto& [name, version] : {std::pair{"v311", mqtt::Version::v311}, std::pair{"v5", mqtt::Version::v5}}) {
    over_payloads(benchmark::RegisterBenchmark(
        (std::string("codec/decode PUBLISH ") + name).c_str(),
        [version = version](benchmark::State& run) { decode(run, publish(run.range(0), version), version); }));
    over_payloads(benchmark::RegisterBenchmark((std::string("codec/encode PUBLISH ") + name).c_str(),
                                               [version = version](benchmark::State& run) { encode(run, version); }));
  }
  benchmark::RegisterBenchmark("filters/decode SUBSCRIBE, a filter",
                               [](benchmark::State& run) {
                                 decode(run, subscribe(run.range(0)), mqtt::Version::v311);
                                 run.SetItemsProcessed(run.iterations() * run.range(0));
                               })
      ->Arg(1)
      ->Arg(10)
      ->Arg(100)
      ->Arg(1'000);
}

}  // namespace tandem::micro
