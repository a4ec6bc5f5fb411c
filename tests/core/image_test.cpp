// Rows of an image: golden vectors (docs/formats.md), what a loader refuses, and how a checkpoint goes on beside
// changes.
#include "core/image.hpp"

#include "core/image_codec.hpp"
#include "disk.hpp"
#include "doctest.hpp"
#include "random.hpp"
#include "samples.hpp"

namespace tandem::core::test {

namespace {

std::vector<Row> all_rows(State& state) {
  Checkpoint checkpoint(state);
  std::vector<Row> rows;
  while (!checkpoint.step(rows.size() + 1, rows)) {
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.kind != b.kind ? a.kind < b.kind : a.key < b.key; });
  return rows;
}

std::string row_name(const Row& row) {
  return std::to_string(row.kind) + " " + to_hex(row.key);
}

Status load_all(const std::vector<Row>& rows) {
  State state;
  ImageLoader loader(state);
  for (const Row& row : rows) {
    const Status status = loader.load(row);
    if (!status.ok()) return status;
  }
  return loader.finish();
}

// A client with a queue of `count` messages; the Disk holds it.
struct Backlog {
  World world;
  Client& client = world.client(0);
  Disk disk;

  explicit Backlog(int count) {
    ConnectOptions options = durable();
    options.receive_maximum = 2000;
    world.connect(client, options);
    world.subscribe(client, "t");
    world.connect(world.client(1));
    publish(count);
  }
  void publish(int count) {
    for (int i = 0; i < count; ++i) world.publish(world.client(1), "t", "x");
    world.end_turn();
  }
  void save() {
    world.end_turn();
    disk.begin(world.active(), world.log().size());
    while (!disk.step(3)) {
    }
    check();
  }
  std::size_t segments() const {
    std::size_t count = 0;
    for (const auto& [name, value] : disk.rows())
      count += name.first == static_cast<std::uint8_t>(RowKind::segment) ? 1U : 0U;
    return count;
  }
  void check() {
    const auto loaded = disk.load();
    REQUIRE_EQ(describe(*loaded), disk.described());
    REQUIRE(loaded->digest() == disk.digest());
  }
};

}  // namespace

TEST_CASE("Rows have the bytes of the golden vectors, and load") {
  const auto state = sample_state();
  const std::vector<Row> rows = all_rows(*state);
  const auto vectors = golden("rows.txt");
  std::string actual;
  for (const Row& row : rows) actual += row_name(row) + " = " + to_hex(row.value) + "\n";
  INFO(actual);
  REQUIRE_EQ(vectors.size(), rows.size());
  std::vector<Row> read;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK_EQ(vectors[i].first, row_name(rows[i]));
    CHECK_EQ(to_hex(vectors[i].second), to_hex(rows[i].value));
    read.push_back(Row{rows[i].kind, rows[i].key, vectors[i].second, false});
  }
  State loaded;
  ImageLoader loader(loaded);
  for (const Row& row : read) REQUIRE(loader.load(row).ok());
  REQUIRE(loader.finish().ok());
  CHECK_EQ(describe(loaded), describe(*state));
  CHECK(loaded.digest() == state->digest());
  CHECK(loaded.due() == state->due());
}

TEST_CASE("A checkpoint without changes has no rows; an empty image is an empty State") {
  const auto state = sample_state();
  all_rows(*state);
  CHECK(all_rows(*state).empty());
  CHECK(load_all({}).ok());
}

TEST_CASE("A loader refuses damaged rows and never crashes") {
  const auto state = sample_state();
  const std::vector<Row> rows = all_rows(*state);
  Random random(3);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(row_name(rows[i]));
    std::vector<Row> changed = rows;
    changed[i].value[0] = 9;  // another version
    CHECK_FALSE(load_all(changed).ok());
    changed = rows;
    changed[i].value.pop_back();
    if (rows[i].kind != static_cast<std::uint8_t>(RowKind::message)) CHECK_FALSE(load_all(changed).ok());
    changed = rows;
    changed[i].kind = 99;
    CHECK_FALSE(load_all(changed).ok());
    for (int k = 0; k < 300; ++k) {
      changed = rows;
      ByteBuffer& bytes = random.one_in(4) ? changed[i].key : changed[i].value;
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
      (void)load_all(changed);
    }
  }
}

// Found by tests/fuzz: the second retained message or will counted in the digest, beside the first.
TEST_CASE("A row that comes twice is refused, or counts once") {
  const auto state = sample_state();
  const std::vector<Row> rows = all_rows(*state);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(row_name(rows[i]));
    std::vector<Row> twice = rows;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), rows[i]);
    State loaded;
    ImageLoader loader(loaded);
    const bool taken = std::all_of(twice.begin(), twice.end(), [&](const Row& row) { return loader.load(row).ok(); });
    if (taken && loader.finish().ok()) CHECK(loaded.digest() == state->digest());
  }
}

// Found by tests/fuzz: the next session got a number that was taken.
TEST_CASE("A second row of globals is refused, and so is one that leaves no numbers") {
  const auto state = sample_state();
  std::vector<Row> rows = all_rows(*state);
  const Row globals = rows.front();
  REQUIRE_EQ(globals.kind, static_cast<std::uint8_t>(RowKind::globals));
  rows.push_back(globals);
  CHECK_FALSE(load_all(rows).ok());
  constexpr std::size_t next_session_at = 25;
  for (const char last : {'\0', '\x40', '\x80', '\xFF'}) {
    Row changed = globals;
    changed.value.replace(next_session_at, 8, ByteBuffer(7, '\0') + last);
    CHECK_FALSE(load_all({changed}).ok());
  }
}

// Found by tests/fuzz: the list of changed segments was to reach from one end of all numbers to the other.
TEST_CASE("A queue's row is refused that is not of its segment, or leaves no numbers") {
  const auto state = sample_state();
  const std::vector<Row> rows = all_rows(*state);
  const auto with = [&](std::uint64_t segment, std::uint64_t begin) {
    std::vector<Row> changed = rows;
    for (Row& row : changed) {
      if (row.kind != static_cast<std::uint8_t>(RowKind::segment)) continue;
      for (std::size_t i = 0; i < 8; ++i) {
        row.key[8 + i] = static_cast<char>(segment >> (56 - 8 * i));
        row.value[1 + i] = static_cast<char>(begin >> (8 * i));  // behind the version
      }
    }
    return load_all(changed);
  };
  constexpr std::uint64_t highest = std::uint64_t{1} << 62;
  CHECK(with(3, 3 * 512).ok());
  CHECK(with(highest / 512, highest).ok());
  CHECK_FALSE(with(2, 3 * 512).ok());
  CHECK_FALSE(with(highest / 512 + 1, highest + 512).ok());
  CHECK_FALSE(with(~std::uint64_t{0} / 512, ~std::uint64_t{0} - 5).ok());
}

TEST_CASE("A loader refuses rows whose partners are missing") {
  const auto state = sample_state();
  const std::vector<Row> rows = all_rows(*state);
  const auto without = [&](RowKind kind) {
    std::vector<Row> rest;
    for (const Row& row : rows) {
      if (row.kind != static_cast<std::uint8_t>(kind)) rest.push_back(row);
    }
    return load_all(rest);
  };
  CHECK_FALSE(without(RowKind::globals).ok());
  CHECK_FALSE(without(RowKind::message).ok());
  CHECK_FALSE(without(RowKind::session).ok());
  CHECK(without(RowKind::retained).ok());
  std::vector<Row> reused = rows;
  for (Row& row : reused) {
    if (row.kind == static_cast<std::uint8_t>(RowKind::globals)) row.value[25] = 2;  // the next session id
  }
  CHECK_FALSE(load_all(reused).ok());
  std::vector<Row> twice = rows;
  for (const Row& row : rows) {
    if (row.kind == static_cast<std::uint8_t>(RowKind::session)) twice.push_back(row);
  }
  CHECK_FALSE(load_all(twice).ok());
}

TEST_CASE("Queues of every length around the borders of segments") {
  for (const int count : {0, 1, 511, 512, 513, 1023, 1024, 1025, 1700}) {
    INFO(count);
    Backlog b(count);
    b.save();
    const auto acks = [&](std::size_t n) {
      std::vector<std::uint16_t> ids;
      for (const Event& event : b.client.take_publishes()) ids.push_back(event.packet_id);
      for (std::size_t i = 0; i < std::min(n, ids.size()); ++i) b.world.ack(b.client, mqtt::Type::puback, ids[i]);
    };
    acks(static_cast<std::size_t>(count) / 2);
    b.save();
    b.world.drain(b.client);
    acks(1'000);
    b.save();
    b.publish(3);
    b.save();
    b.world.lose(b.client);
    b.world.advance_ms(3'600'000);
    b.save();
    CHECK_EQ(b.disk.rows().size(), 1);  // the counters
  }
}

TEST_CASE("The head passes whole segments at once when a stuck message is finished") {
  Backlog b(600);
  auto events = b.client.take_publishes();
  for (std::size_t i = 1; i < 600; ++i) b.world.ack(b.client, mqtt::Type::puback, events[i].packet_id);
  b.save();
  b.world.ack(b.client, mqtt::Type::puback, events[0].packet_id);
  CHECK_EQ(b.world.session(b.client)->queue.head(), 600);
  b.save();
}

TEST_CASE("Segments that the head has passed leave the image, however it passed them") {
  Backlog b(0);
  b.publish(1);
  const std::uint16_t stuck = b.client.take_publishes().front().packet_id;
  const auto flow = [&](int count) {
    for (int i = 0; i < count; ++i) {
      b.publish(1);
      for (const Event& event : b.client.take_publishes()) b.world.ack(b.client, mqtt::Type::puback, event.packet_id);
    }
    b.save();
  };
  flow(1600);
  CHECK_EQ(b.segments(), 4);
  b.world.ack(b.client, mqtt::Type::puback, stuck);
  b.save();
  CHECK_EQ(b.segments(), 1);
  flow(1600);
  CHECK_EQ(b.segments(), 1);
}

TEST_CASE("A return changes the rows of all segments in flight") {
  Backlog b(900);
  b.save();
  ConnectOptions narrow = durable();
  narrow.receive_maximum = 10;
  b.world.connect(b.client, narrow);
  b.save();
  b.world.drain(b.client);
  b.save();
  b.world.check();
}

TEST_CASE("The end of a session takes all its segments along, also those that were never sent") {
  Backlog b(0);
  ConnectOptions narrow = durable(10);
  narrow.receive_maximum = 1;
  b.world.connect(b.client, narrow);
  b.publish(1700);
  b.save();
  CHECK_EQ(b.segments(), 4);
  b.world.lose(b.client);
  b.world.advance_ms(10'000);
  b.save();
  CHECK_EQ(b.disk.rows().size(), 1);  // the counters
}

TEST_CASE("The head passes whole segments at once when a stuck message is skipped") {
  Backlog b(1);
  b.world.publish(b.world.client(1), "t", std::string(300, 'x'));
  b.publish(1400);
  const auto events = b.client.take_publishes();
  for (std::size_t i = 2; i < 1100; ++i) b.world.ack(b.client, mqtt::Type::puback, events[i].packet_id);
  ConnectOptions small = durable();
  small.max_packet_bytes = 100;
  small.receive_maximum = 1;
  b.world.connect(b.client, small);
  b.save();
  CHECK_EQ(b.segments(), 3);
  b.world.ack(b.client, mqtt::Type::puback, events[0].packet_id);  // the large one is next
  CHECK_EQ(b.world.session(b.client)->queue.head(), 1100);
  b.save();
  CHECK_EQ(b.segments(), 1);
  b.client.events.erase(b.client.events.begin(), b.client.events.begin() + 2);  // CONNACK, and what was acknowledged
  b.world.drain(b.client);
  b.publish(1000);
  b.world.drain(b.client);
  b.save();
  CHECK_EQ(b.segments(), 1);
  b.world.check();
}

TEST_CASE("What changes while a checkpoint is encoded is encoded first, as it was") {
  Backlog b(700);
  Client& other = b.world.client(2);
  b.world.connect(other, durable());
  b.world.subscribe(other, "gone/#");
  b.world.publish(b.world.client(1), "kept", "old", {.retain = true});
  b.world.end_turn();
  b.disk.begin(b.world.active(), b.world.log().size());
  b.world.publish(b.world.client(1), "kept", "new", {.retain = true});
  b.world.unsubscribe(other, "gone/#");
  ConnectOptions clean;
  b.world.connect(other, clean);
  b.world.drain(b.client);
  while (!b.disk.step(1)) {
  }
  b.check();
  b.save();  // and the next one has the rest
}

TEST_CASE("Retained messages and wills that come, go and come again between checkpoints") {
  World world;
  Disk disk;
  Client& a = world.client(0);
  Random random(4);
  for (int round = 0; round < 300; ++round) {
    ConnectOptions options = durable();
    if (random.one_in(2)) options.will = WillOptions{.delay_s = 5};
    world.connect(a, options);
    for (int i = 0; i < 3; ++i) {
      const std::string topic(1, static_cast<char>('a' + random.below(3)));
      world.publish(a, topic, random.one_in(2) ? "" : "x", {.retain = true});
    }
    if (random.one_in(3)) world.lose(a);
    world.end_turn();
    if (!disk.running()) disk.begin(world.active(), world.log().size());
    if (!disk.step(1 + random.below(3))) continue;
    const auto loaded = disk.load();
    REQUIRE_EQ(describe(*loaded), disk.described());
    for (std::size_t i = disk.image_batches(); i < world.log().size(); ++i) replay(*loaded, world.log()[i]);
    REQUIRE_EQ(describe(*loaded), describe(world.standby()));
  }
}

}  // namespace tandem::core::test
