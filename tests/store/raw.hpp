// Another program's look at a store's files: SQL, sizes, single bytes.
#pragma once

#include <cstdint>
#include <string>

struct sqlite3;

namespace tandem::store::testing {

class Raw {
 public:
  explicit Raw(const std::string& path);
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw();
  void run(const std::string& sql);
  // First column of the first row.
  std::string text(const std::string& sql);

 private:
  sqlite3* handle_ = nullptr;
};

std::uintmax_t file_bytes(const std::string& path);  // 0: no such file
void flip_byte(const std::string& path, std::uintmax_t at);

}  // namespace tandem::store::testing
