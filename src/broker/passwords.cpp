#include "broker/passwords.hpp"

#include <utility>

namespace tandem::broker {

Passwords::Passwords(boost::asio::io_context& loop, std::string path, std::function<void(ConnectionId, bool)> done)
    : path_(std::move(path)), checks_(loop, std::move(done)) {}

Result<std::string> Passwords::load() {
  Result<edge::PasswordFile> read = edge::read_password_file(path_);
  if (!read.ok()) return read.error();
  file_ = read.take();
  // As strong as the others', so that it takes as long.
  hash_of_nobody_ = file_.users.empty() ? edge::PasswordHash{} : file_.users.begin()->second;
  std::string told = std::to_string(file_.users.size()) + " users read from " + path_;
  for (const std::string& problem : file_.problems) told += "; " + problem;
  return told + ".";
}

bool Passwords::check(ConnectionId id, std::string_view username, ByteView password) {
  const auto found = file_.users.find(username);
  const bool known = found != file_.users.end();
  return checks_.check(id, known ? found->second : hash_of_nobody_, known, password);
}

}  // namespace tandem::broker
