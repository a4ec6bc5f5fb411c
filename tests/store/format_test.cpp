// The disk bytes do not change: checksums and the file of batches that were set aside, against fixed values
// (docs/formats-store.md). A failure here means that stores of released versions could not be read.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "raw.hpp"
#include "store/seal.hpp"
#include "store/set_aside.hpp"
#include "test.hpp"

namespace tandem::store::testing {

namespace {

Batch known_batch() {
  Batch batch;
  batch.first = Lsn{5};
  batch.count = 2;
  batch.epoch = Epoch{3, node_id_from_name("boxa"), 0x0123456789ABCDEFULL};
  batch.time = Instant{1'700'000'000'000};
  batch.bytes = std::make_shared<const ByteBuffer>("batch bytes");
  return batch;
}

std::string hex_of(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += two;
  }
  return text;
}

}  // namespace

TEST_CASE("The checksums of rows are what they always were") {
  const Batch batch = known_batch();
  CHECK(batch_seal(batch, *batch.bytes, 1'011) == 3721126757U);
  CHECK(part_seal(7, "key", 0, 1, "value") == 2193731106U);
  CHECK(part_seal(7, "key", 1, 2, "") == 490277936U);
  CHECK(note_seal(Lsn{9}, "info") == 552651205U);
  CHECK(note_seal(Lsn{0}, "") == 1185862161U);
  CHECK(head_seal(0x0123456789ABCDEFULL, Lsn{4}, true, false) == 2545110135U);
}

TEST_CASE("A file of batches that were set aside has the bytes that it always had") {
  Directory directory;
  Running run(directory.path());
  run.append(1, 4, 3);
  run.store().append(known_batch(), false);
  run.store().rewind(Lsn{4}, "why", 1);
  REQUIRE(run.until_token(1));
  std::ifstream file(directory.file("set-aside-3.626f786100000000-5-6.batches"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  // clang-format off
  CHECK(hex_of(bytes) ==
        "54646d4173696465"                        // "TdmAside"
        "01" "f0e4256f" "03" "776879"             // version, seal of the note, its length, "why"
        "01" "0500000000000000" "02000000"        // a batch: first, count
        "0300000000000000" "0000000061786f62" "efcdab8967452301"  // epoch: number, node, store
        "0068e5cf8b010000" "0e00000000000000"     // time_ms, stream_end
        "864fab12" "0b00000000000000"             // seal, length
        "6261746368206279746573"                  // "batch bytes"
        "00" "0100000000000000");                 // the end: number of batches
  // clang-format on
}

TEST_CASE("The tables have the columns that they always had") {
  Directory directory;
  { Running run(directory.path()); }
  Raw log(directory.file("log.db"));
  Raw state(directory.file("state.db"));
  const auto columns = [](Raw& raw, const std::string& table) {
    return raw.text("SELECT group_concat(name || ' ' || type, ', ') FROM pragma_table_info('" + table + "')");
  };
  CHECK(columns(log, "batch") ==
        "first INTEGER, count INTEGER, epoch_number INTEGER, epoch_node INTEGER, epoch_store INTEGER, time_ms INTEGER, "
        "stream_end INTEGER, seal INTEGER, bytes BLOB");
  CHECK(columns(log, "meta") == "id INTEGER, bytes BLOB, seal INTEGER");
  CHECK(columns(log, "head") ==
        "id INTEGER, identity INTEGER, base INTEGER, opened INTEGER, wiping INTEGER, seal INTEGER");
  CHECK(columns(state, "entity") == "kind INTEGER, key BLOB, parts INTEGER, seal INTEGER, value BLOB");
  CHECK(columns(state, "part") == "kind INTEGER, key BLOB, part INTEGER, seal INTEGER, value BLOB");
  CHECK(columns(state, "checkpoint") == "id INTEGER, lsn INTEGER, info BLOB, seal INTEGER");
  CHECK(columns(state, "head") == "id INTEGER, identity INTEGER");
  CHECK(log.text("PRAGMA application_id") == "1415867724");
  CHECK(state.text("PRAGMA application_id") == "1415867731");
}

}  // namespace tandem::store::testing
