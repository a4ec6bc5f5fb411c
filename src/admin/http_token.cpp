#include "admin/http_token.hpp"

#include <algorithm>
#include <utility>

#include "base/text_file.hpp"

namespace tandem::admin {

namespace {

std::string advice(const std::string& path) {
  return "; make one: (umask 077; openssl rand -hex 24 > " + path + "), and chown it to the user that tandemd runs as";
}

}  // namespace

Result<std::string> read_http_token(const std::string& path) {
  const std::string file = "http.token_file " + path;
  FileText read = read_file(path, http_token_bytes_max + 2);  // what is longer is refused below
  if (!read.ok()) return Error{file + ": cannot be read: " + read.reason() + advice(path)};
  if ((read.mode & 077) != 0) return Error{file + ": this secret may be read by others; run: chmod 600 " + path};
  std::string token = std::move(read.text);
  if (token.ends_with('\n')) token.pop_back();
  const bool plain = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!plain || token.size() < http_token_bytes_min || token.size() > http_token_bytes_max) {
    return Error{file + ": one line of " + std::to_string(http_token_bytes_min) + " to " +
                 std::to_string(http_token_bytes_max) + " printable characters without spaces is needed" +
                 advice(path)};
  }
  return token;
}

bool carries_token(std::string_view authorization, std::string_view token) {
  constexpr std::string_view scheme = "bearer ";
  if (token.empty() || authorization.size() < scheme.size()) return false;
  unsigned different = authorization.size() == scheme.size() + token.size() ? 0 : 1;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const auto lower = static_cast<unsigned char>(authorization[i] | (i + 1 < scheme.size() ? 0x20 : 0));
    different |= lower ^ static_cast<unsigned char>(scheme[i]);
  }
  const std::string_view given = authorization.substr(scheme.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    different |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(token[i % token.size()]);
  }
  return different == 0;
}

}  // namespace tandem::admin
