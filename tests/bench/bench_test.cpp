// The load generator's own arithmetic: a wrong histogram or loss counter would make every figure worthless.
#include <doctest/doctest.h>

#include <memory>

#include "tests/bench/connection.hpp"
#include "tests/bench/frames.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/sequence.hpp"
#include "tests/client/packet.hpp"

using namespace tandem::bench;

TEST_CASE("histogram percentiles are within 1.6 percent") {
  auto histogram = std::make_unique<Histogram>();
  CHECK(histogram->percentile_ns(0.5) == 0);
  for (int64_t i = 1; i <= 1'000'000; ++i) histogram->record(i);
  CHECK(histogram->count() == 1'000'000);
  CHECK(static_cast<double>(histogram->percentile_ns(0.5)) == doctest::Approx(500'000).epsilon(0.016));
  CHECK(static_cast<double>(histogram->percentile_ns(0.99)) == doctest::Approx(990'000).epsilon(0.016));
  CHECK(histogram->max_ns() == 1'000'000);
  histogram->record(-5);
  histogram->record(INT64_MAX);
  CHECK(histogram->percentile_ns(1.0) == static_cast<uint64_t>(INT64_MAX));
}

TEST_CASE("sequence tells lost, late and doubled numbers apart") {
  Sequence sequence;
  CHECK(sequence.take(0) == 1);
  CHECK(sequence.take(4) == 4);  // 1, 2, 3 are missing
  CHECK(sequence.lost(7) == 5);  // and 5, 6 have not come
  CHECK(sequence.take(2) == 0);  // late
  CHECK(sequence.take(2) == 0);  // doubled
  CHECK(sequence.take(0) == 0);  // doubled
  CHECK(sequence.take(5) == 1);
  CHECK(sequence.reordered() == 1);
  CHECK(sequence.duplicates() == 2);
  CHECK(sequence.lost(6) == 2);
}

TEST_CASE("a templated PUBLISH is what the codec of the tests reads, and reads back") {
  for (uint8_t version : {uint8_t{4}, uint8_t{5}}) {
    for (uint8_t qos : {uint8_t{0}, uint8_t{1}, uint8_t{2}}) {
      PublishTemplate frame("a/b", qos, version, 200);
      std::string wire(frame.size(), '\0');
      frame.write(wire.data(), 0x1234, {42, 7, 3});
      std::string_view rest = wire;
      std::optional<tandem::test::Packet> packet = tandem::test::take_packet(rest, version);
      REQUIRE(packet);
      CHECK(packet->topic == "a/b");
      CHECK(packet->payload.size() == 200);
      CHECK(packet->pid == (qos > 0 ? 0x1234 : 0));
      size_t header = 0;
      REQUIRE(packet_size(wire.data(), wire.size(), header) == static_cast<int64_t>(wire.size()));
      Incoming incoming;
      REQUIRE(
          read_publish(static_cast<uint8_t>(wire[0]), wire.data() + header, wire.size() - header, version, incoming));
      CHECK((incoming.stamp.sent_ns == 42 && incoming.stamp.sequence == 7 && incoming.stamp.publisher == 3));
      CHECK((incoming.qos == qos && incoming.pid == packet->pid));
    }
  }
}

TEST_CASE("a connection parses packets whatever the cuts, and writes what the socket had no room for later") {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
  Connection writer(fds[0], {});
  Connection reader(fds[1], {});
  ReadBuffer buffer;
  constexpr size_t count = 20'000;
  PublishTemplate frame("t", 0, 4, 300);
  for (uint64_t i = 0; i < count; ++i) frame.write(writer.room(frame.size()), 0, {0, i, 0});
  Sequence sequence;
  while (writer.has_output() || sequence.next() < count) {
    if (writer.has_output()) REQUIRE(writer.flush() == Connection::State::open);
    Connection::State state = reader.read(
        buffer, [] {},
        [&](uint8_t first, const char* body, size_t length) {
          Incoming incoming;
          REQUIRE(read_publish(first, body, length, 4, incoming));
          sequence.take(incoming.stamp.sequence);
        });
    REQUIRE(state == Connection::State::open);
  }
  CHECK(sequence.lost(count) == 0);
}

TEST_CASE("CPU and memory of this process can be read") {
  int64_t before = own_cpu_ns();
  while (own_cpu_ns() - before < 20'000'000) {
  }
  ProcessSample sample = sample_process(::getpid());
  CHECK(sample.cpu_ns >= 10'000'000);
  CHECK(sample.rss_bytes > 100'000);
  CHECK(sample.threads_ns.size() == 1);
  CHECK(sample_process(0x3fffffff).cpu_ns == 0);
}
