// Reads the table of wire vectors. A line is: name | version | c or s | bytes | expectation. Bytes are pairs
// of hex digits and "text", blanks between them mean nothing.
#include "vectors.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "base/check.hpp"

namespace tandem::mqtt::test {

namespace {

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(' ') - begin + 1));
}

std::uint8_t hex_byte(std::string_view two) {
  std::uint8_t value = 0;
  const auto result = std::from_chars(two.data(), two.data() + two.size(), value, 16);
  CHECK(two.size() == 2 && result.ptr == two.data() + 2);
  return value;
}

ByteBuffer parse_bytes(std::string_view text) {
  ByteBuffer bytes;
  while (!text.empty()) {
    if (text[0] == ' ') {
      text.remove_prefix(1);
    } else if (text[0] == '"') {
      const std::size_t end = text.find('"', 1);
      CHECK(end != std::string_view::npos);
      bytes.append(text.substr(1, end - 1));
      text.remove_prefix(end + 1);
    } else {
      bytes.push_back(static_cast<char>(hex_byte(text.substr(0, 2))));
      text.remove_prefix(2);
    }
  }
  return bytes;
}

Vector parse_line(const std::string& line) {
  std::vector<std::string> columns;
  for (std::string_view rest = line; columns.size() < 5;) {
    const std::size_t bar = columns.size() < 4 ? rest.find('|') : std::string_view::npos;
    columns.push_back(trimmed(rest.substr(0, bar)));
    rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
  }
  Vector vector;
  vector.name = columns[0];
  vector.version = static_cast<Version>(columns[1].at(0) - '0');
  vector.from_client = columns[2] == "c";
  vector.bytes = parse_bytes(columns[3]);
  const std::string& expectation = columns[4];
  CHECK(expectation.size() > 2);
  vector.accepted = expectation[0] != '!';
  vector.canonical = expectation[0] == '=';
  if (vector.accepted) {
    vector.description = expectation.substr(2);
  } else {
    vector.reason = static_cast<Reason>(hex_byte(std::string_view(expectation).substr(2, 2)));
    const std::size_t answer = expectation.find("answer=");
    if (answer != std::string::npos) vector.answer = static_cast<Version>(expectation.at(answer + 7) - '0');
  }
  return vector;
}

std::vector<Vector> read_file() {
  std::ifstream file(TANDEM_GOLDEN_DIR "/mqtt_vectors.txt");
  std::vector<Vector> result;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    result.push_back(parse_line(line));
  }
  CHECK(!result.empty());
  return result;
}

}  // namespace

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> table = read_file();
  return table;
}

const Vector& vector_named(const std::string& name) {
  for (const Vector& vector : vectors()) {
    if (vector.name == name) return vector;
  }
  std::cerr << "no vector " << name << "\n";
  std::abort();
}

}  // namespace tandem::mqtt::test
