// Another program's look at a store's files; see raw.hpp.
#include "raw.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "base/check.hpp"

namespace tandem::store::testing {

Raw::Raw(const std::string& path) {
  CHECK(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK);
}

Raw::~Raw() {
  sqlite3_close(handle_);
}

void Raw::run(const std::string& sql) {
  CHECK(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
}

std::string Raw::text(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  CHECK(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  std::string text;
  if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != nullptr) {
    text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  }
  sqlite3_finalize(statement);
  return text;
}

std::uintmax_t file_bytes(const std::string& path) {
  std::error_code code;
  const std::uintmax_t size = std::filesystem::file_size(path, code);
  return code ? 0 : size;
}

void flip_byte(const std::string& path, std::uintmax_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char old = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(old ^ 0x10));
  file.flush();
  CHECK(file.good());
}

}  // namespace tandem::store::testing
