// Bytes of records: golden vectors (docs/formats.md), what a reader accepts and refuses.
#include "core/record_codec.hpp"
#include "core/state.hpp"

#include "doctest.hpp"
#include "random.hpp"
#include "samples.hpp"

namespace tandem::core::test {

namespace {

ByteBuffer encoded(const Record& record) {
  ByteBuffer out;
  encode_record(record, out);
  return out;
}

ByteBuffer again(const ByteBuffer& bytes) {
  ByteReader reader(bytes);
  Result<Record> record = decode_record(reader);
  REQUIRE_MESSAGE(record.ok(), to_hex(bytes));
  REQUIRE(reader.at_end());
  return encoded(record.value());
}

// Of its last field, which is left out if it is drop_newest.
bool ends_with_policy(const Record& record) {
  const auto* connected = std::get_if<Connected>(&record);
  return connected != nullptr && connected->queue_policy != QueuePolicy::drop_newest;
}

}  // namespace

TEST_CASE("Records have the bytes of the golden vectors, both ways") {
  const auto samples = sample_records();
  const auto vectors = golden("records.txt");
  REQUIRE_EQ(vectors.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    INFO(samples[i].first << " = " << to_hex(encoded(samples[i].second)));
    CHECK_EQ(vectors[i].first, samples[i].first);
    CHECK_EQ(to_hex(vectors[i].second), to_hex(encoded(samples[i].second)));
    CHECK_EQ(to_hex(again(vectors[i].second)), to_hex(vectors[i].second));
  }
}

TEST_CASE("A message's topic is no longer than MQTT's") {
  const std::string topic(65'536, 't');
  for (const std::size_t size : {65'535U, 65'536U}) {
    Published record;
    record.message.topic = std::string_view(topic).substr(0, size);
    const ByteBuffer bytes = encoded(record);
    ByteReader reader(bytes);
    CHECK_EQ(decode_record(reader).ok(), size == 65'535);
  }
}

TEST_CASE("A message keeps what it says, with an expiry and without") {
  State state;
  for (const std::uint32_t expiry_s : {std::uint32_t{0}, std::uint32_t{7}, no_expiry}) {
    MessageView said;
    said.topic = "topic";
    said.properties = "properties";
    said.payload = "payload";
    said.published_at = Instant{-5};
    said.expiry_s = expiry_s;
    said.qos = mqtt::Qos::exactly_once;
    said.retain = expiry_s == 7;
    const MessageRef message = state.make_message(said, 9);
    const MessageView kept = message->view();
    CHECK_EQ(kept.topic, said.topic);
    CHECK_EQ(kept.properties, said.properties);
    CHECK_EQ(kept.payload, said.payload);
    CHECK_EQ(kept.published_at.ms, said.published_at.ms);
    CHECK_EQ(kept.expiry_s, said.expiry_s);
    CHECK(kept.qos == said.qos);
    CHECK_EQ(kept.retain, said.retain);
    CHECK_EQ(message->bytes(), said.bytes());
  }
}

// Found by tests/fuzz: such a record could be read, and was another one when it was written again.
TEST_CASE("A handed-on message names no transient session, and not session 0") {
  HandedOn record;
  record.message = MessageView{};
  record.message->topic = "t";
  record.to = {5, "$share/g/t"};
  ByteBuffer body = encoded(record).substr(3);  // behind kind, version, and a length below 128
  const std::size_t pick = body.rfind("\x01\x05");
  REQUIRE(pick != ByteBuffer::npos);
  for (const SessionId session : {SessionId{5}, SessionId{0}, transient_bit | 5U}) {
    ByteBuffer number;
    ByteWriter(number).varint(session);
    ByteBuffer changed = body;
    changed.replace(pick + 1, 1, number);
    ByteBuffer bytes("\x0D\x01", 2);
    ByteWriter(bytes).bytes_varint(changed);
    ByteReader reader(bytes);
    CHECK_EQ(decode_record(reader).ok(), session == 5);
  }
}

TEST_CASE("The hot kinds have the same bytes without the variant") {
  for (const auto& [name, record] : sample_records()) {
    ByteBuffer direct("before");
    if (const auto* r = std::get_if<Published>(&record))
      encode_record(*r, direct);
    else if (const auto* r2 = std::get_if<Acked>(&record))
      encode_record(*r2, direct);
    else if (const auto* r3 = std::get_if<Released>(&record))
      encode_record(*r3, direct);
    else
      continue;
    CHECK_EQ(to_hex(direct), to_hex("before" + encoded(record)));
  }
}

TEST_CASE("Picks and publishers of transient sessions are left out") {
  const auto vectors = golden("records.txt");
  for (const auto& [name, bytes] : vectors) {
    ByteReader reader(bytes);
    const Result<Record> record = decode_record(reader);
    const auto* published = std::get_if<Published>(&record.value());
    if (published == nullptr) continue;
    CHECK_EQ(published->publisher & transient_bit, 0);
    for (const SharedPick& pick : published->picks) CHECK_EQ(pick.session & transient_bit, 0);
    CHECK_EQ(published->match, nullptr);
    CHECK_EQ(published->from, nullptr);
  }
}

TEST_CASE("Bodies of any size: the length grows with them") {
  for (const std::size_t size : {0U, 100U, 118U, 119U, 120U, 127U, 128U, 16'000U, 16'384U, 70'000U, 2'000'000U}) {
    const std::string payload(size, 'p');
    Published record;
    record.message.topic = "t";
    record.message.payload = payload;
    const ByteBuffer bytes = encoded(record);
    ByteReader reader(bytes);
    const Result<Record> read = decode_record(reader);
    REQUIRE(read.ok());
    CHECK(reader.at_end());
    CHECK_EQ(std::get<Published>(read.value()).message.payload, payload);
  }
}

TEST_CASE("A record that is cut anywhere is an error") {
  for (const auto& [name, record] : sample_records()) {
    const ByteBuffer bytes = encoded(record);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ByteReader reader(ByteView(bytes).substr(0, size));
      CHECK_FALSE(decode_record(reader).ok());
    }
  }
}

TEST_CASE("A body that is cut inside its envelope is an error or a shorter record, never a crash") {
  for (const auto& [name, record] : sample_records()) {
    const ByteBuffer bytes = encoded(record);
    const ByteBuffer body = bytes.substr(3);
    REQUIRE_LT(body.size(), 128);
    for (std::size_t size = 0; size < body.size() - (ends_with_policy(record) ? 1U : 0U); ++size) {
      ByteBuffer cut = bytes.substr(0, 2);
      cut.push_back(static_cast<char>(size));
      cut.append(body, 0, size);
      ByteReader reader(cut);
      CHECK_FALSE(decode_record(reader).ok());
    }
  }
}

TEST_CASE("A reader takes a body with fields that it does not know, and refuses another version or kind") {
  for (const auto& [name, record] : sample_records()) {
    const ByteBuffer bytes = encoded(record);
    const bool no_policy = std::holds_alternative<Connected>(record) && !ends_with_policy(record);
    const ByteBuffer later = no_policy ? ByteBuffer(1, '\0') + "later" : "later";
    ByteBuffer longer = bytes + later;
    longer[2] = static_cast<char>(longer[2] + static_cast<char>(later.size()));
    ByteReader reader(longer);
    const Result<Record> read = decode_record(reader);
    REQUIRE(read.ok());
    CHECK(reader.at_end());
    CHECK_EQ(to_hex(encoded(read.value())), to_hex(bytes));

    ByteBuffer newer = bytes;
    newer[1] = 2;
    ByteReader newer_reader(newer);
    CHECK_FALSE(decode_record(newer_reader).ok());
    ByteBuffer unknown = bytes;
    unknown[0] = 99;
    ByteReader unknown_reader(unknown);
    CHECK_FALSE(decode_record(unknown_reader).ok());
  }
}

TEST_CASE("Damaged records are refused or read as something, never more") {
  Random random(9);
  const auto samples = sample_records();
  for (int i = 0; i < 50'000; ++i) {
    ByteBuffer bytes = encoded(samples[random.below(samples.size())].second);
    for (std::uint64_t k = 1 + random.below(4); k != 0; --k) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    ByteReader reader(bytes);
    const Result<Record> record = decode_record(reader);
    if (record.ok()) encoded(record.value());
  }
}

}  // namespace tandem::core::test
