#include "edge/password_checks.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/thread.hpp"

namespace tandem::edge {

namespace {

constexpr std::size_t key_bytes = 32;

ByteBuffer new_key() {
  ByteBuffer key(key_bytes, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) == 1);
  return key;
}

// All that makes a hash what it is: a password may be right for one and wrong for another with the same bytes.
std::string name_of(const PasswordHash& hash) {
  return std::to_string(hash.iterations) + ":" + std::to_string(hash.salt.size()) + ":" + hash.salt + hash.hash;
}

ByteBuffer mac_of(ByteView key, ByteView password) {
  ByteBuffer mac(key_bytes, '\0');
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(password.data()), password.size(),
             reinterpret_cast<unsigned char*>(mac.data()), nullptr) != nullptr);
  return mac;
}

}  // namespace

PasswordChecks::PasswordChecks(boost::asio::io_context& loop, std::function<void(ConnectionId, bool)> done)
    : loop_(loop),
      done_(std::move(done)),
      key_(new_key()),
      thread_(start_thread("passwords", Urgency::awaited, [this] { run(); })) {}

// A wrong password takes as long as ever, and so does an unknown user.
bool PasswordChecks::is_right(const Check& check) {
  if (!check.known) {
    static_cast<void>(matches(check.hash, check.password));
    return false;
  }
  const std::string name = name_of(check.hash);
  const ByteBuffer mac = mac_of(key_ + name, check.password);
  const auto found = right_.find(name);
  if (found != right_.end() && CRYPTO_memcmp(found->second.data(), mac.data(), mac.size()) == 0) return true;
  if (!matches(check.hash, check.password)) return false;
  if (right_.size() >= limits::remembered_passwords) right_.clear();
  right_[name] = mac;
  return true;
}

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
    const bool right = is_right(next);
    OPENSSL_cleanse(next.password.data(), next.password.size());
    boost::asio::post(loop_, [this, id = next.id, right] { done_(id, right); });
    lock.lock();
  }
}

}  // namespace tandem::edge
