// The fuzzers without a fuzzer: their corpora and mutations of them, the same ones in each run.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/inputs.hpp"
#include "tests/fuzz/whole_connection.hpp"

namespace tandem::fuzz {

namespace {

struct Input {
  std::string name;
  ByteBuffer bytes;
};

std::vector<Input> corpus(const std::string& folder) {
  std::vector<Input> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(TANDEM_FUZZ_DIR "/" + folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.push_back({entry.path().filename(), {std::istreambuf_iterator<char>(file), {}}});
  }
  std::sort(inputs.begin(), inputs.end(), [](const Input& a, const Input& b) { return a.name < b.name; });
  return inputs;
}

// One to four places changed: a byte, a bit, a piece taken out, a piece of another input put in.
ByteBuffer mutated(const std::vector<Input>& inputs, std::mt19937_64& random) {
  const auto below = [&random](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  ByteBuffer bytes = inputs[below(inputs.size())].bytes;
  for (std::size_t left = 1 + below(4); left > 0; --left) {
    const std::size_t at = below(bytes.size());
    const std::size_t size = below(std::min<std::size_t>(32, bytes.size() - at));
    const ByteBuffer& other = inputs[below(inputs.size())].bytes;
    switch (below(4)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << below(8)));
        break;
      case 2:
        bytes.erase(at, size);
        break;
      default:
        bytes.insert(at, other.substr(below(other.size()), 1 + below(32)));
    }
    if (bytes.empty()) bytes = other;
  }
  return bytes;
}

}  // namespace

TEST_CASE("the corpus of the codec and mutations of it: what is read can be written and read again") {
  const std::vector<Input> inputs = corpus("corpus-codec");
  REQUIRE(inputs.size() >= 20);
  for (const Input& input : inputs) examine_codec(input.bytes);
  std::mt19937_64 random(1);
  for (int i = 0; i < 300'000; ++i) examine_codec(mutated(inputs, random));
}

TEST_CASE("the corpus of WebSockets and mutations of it: cut anywhere, the same comes of it") {
  const std::vector<Input> inputs = corpus("corpus-websocket");
  REQUIRE(inputs.size() >= 10);
  for (const Input& input : inputs) examine_websocket(input.bytes);
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) examine_websocket(mutated(inputs, random));
}

TEST_CASE("the corpora of everything else that comes from outside, and mutations of them") {
  struct Fuzzer {
    std::string name;
    void (*examine)(ByteView);
    int mutations;  // a second of them at most
  };
  const Fuzzer fuzzers[] = {{"proxy", examine_proxy, 20'000},
                            {"stranger", examine_stranger, 500},
                            {"peer", examine_peer, 1'500},
                            {"control", examine_control, 500},
                            {"http", examine_http, 500},
                            {"config", examine_config, 500},
                            {"passwords", examine_passwords, 10'000},
                            {"rules", examine_rules, 2'000},
                            {"scram", examine_scram, 2'000},
                            {"info", examine_info, 1'000},
                            {"records", examine_records, 3'000},
                            {"rows", examine_rows, 2'000}};
  for (const Fuzzer& fuzzer : fuzzers) {
    CAPTURE(fuzzer.name);
    const std::vector<Input> inputs = corpus("corpus-" + fuzzer.name);
    REQUIRE(inputs.size() >= 2);
    for (const Input& input : inputs) fuzzer.examine(input.bytes);
    std::mt19937_64 random(4);
    for (int i = 0; i < fuzzer.mutations; ++i) fuzzer.examine(mutated(inputs, random));
  }
}

TEST_CASE("the corpus of connections, cut anywhere: the same records, the same bytes back, one State on both boxes") {
  for (const Input& input : corpus("corpus-connection")) {
    CAPTURE(input.name);
    for (std::uint64_t dice = 0; dice < 8; ++dice) REQUIRE_EQ(examine(input.bytes, dice), "");
  }
}

TEST_CASE("mutations of connections: what comes back is MQTT, and both boxes have one State") {
  const std::vector<Input> inputs = corpus("corpus-connection");
  REQUIRE(inputs.size() >= 20);
  std::mt19937_64 random(2);
  for (int i = 0; i < 3'000; ++i) {
    const ByteBuffer input = mutated(inputs, random);
    CAPTURE(i);
    REQUIRE_EQ(examine(input, random()), "");
  }
}

}  // namespace tandem::fuzz
