#include "edge/password_checks.hpp"

#include <openssl/crypto.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/limits.hpp"

namespace tandem::edge {

PasswordChecks::PasswordChecks(boost::asio::io_context& loop, std::function<void(ConnectionId, bool)> done)
    : loop_(loop), done_(std::move(done)), thread_([this] { run(); }) {}

PasswordChecks::~PasswordChecks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool PasswordChecks::check(ConnectionId id, const PasswordHash& hash, bool known, ByteView password) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= limits::max_password_checks_waiting) return false;
    waiting_.push_back({id, hash, known, ByteBuffer(password)});
  }
  wake_.notify_one();
  return true;
}

void PasswordChecks::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Check next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const bool equal = matches(next.hash, next.password);
    const bool right = equal && next.known;
    OPENSSL_cleanse(next.password.data(), next.password.size());
    boost::asio::post(loop_, [this, id = next.id, right] { done_(id, right); });
    lock.lock();
  }
}

}  // namespace tandem::edge
