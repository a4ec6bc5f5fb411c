// Passwords are compared on a thread of their own: a strong hash takes milliseconds, and the core thread waits for
// nobody. Bounded: a storm of logins is answered "busy". A password that was right before is known again at once: a
// crowd that comes back is not held up.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/ids.hpp"
#include "edge/password_hash.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::edge {

class PasswordChecks {
 public:
  // `done` is called from the loop, once for each check().
  PasswordChecks(boost::asio::io_context& loop, std::function<void(ConnectionId, bool right)> done);
  // When the loop runs no more.
  ~PasswordChecks();
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;

  // False: too many wait. `known`: false if there is no such user: a hash like the others' is compared all the same, so
  // that a stranger does not learn from the time who there is.
  bool check(ConnectionId id, const PasswordHash& hash, bool known, ByteView password);

 private:
  struct Check {
    ConnectionId id;
    PasswordHash hash;
    bool known = false;
    ByteBuffer password;
  };
  void run();
  bool is_right(const Check& check);

  boost::asio::io_context& loop_;
  const std::function<void(ConnectionId, bool)> done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Check> waiting_;
  bool stopping_ = false;
  // The thread's own: of passwords that were right, by hash: a MAC of the password under a key that this process made.
  std::unordered_map<std::string, ByteBuffer> right_;
  ByteBuffer key_;
  std::thread thread_;
};

}  // namespace tandem::edge
