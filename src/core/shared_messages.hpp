// Messages that output still needs although State may let go of them. What State holds, and with it the digest that the
// standby compares, must not depend on how fast a client reads: these are no references of State's.
//
// Invariant: each SharedMessage goes before its SharedMessages, and before the owner of its message's memory.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>

#include "base/shared_bytes.hpp"
#include "core/message.hpp"

namespace tandem::core {

class SharedMessage;

class SharedMessages {
 public:
  SharedMessages() = default;
  SharedMessages(const SharedMessages&) = delete;
  SharedMessages& operator=(const SharedMessages&) = delete;
  ~SharedMessages();

  // `message`: one of State's, or one that nobody holds yet and that goes with the last who shares it.
  SharedMessage share(const Message& message);
  std::size_t count() const { return all_.size(); }

 private:
  friend class SharedMessage;
  struct One {
    Message* message = nullptr;
    SharedMessages* home = nullptr;
    std::uint32_t references = 0;
  };
  static void release(One& one);

  std::unordered_map<const Message*, One> all_;
};

class SharedMessage {
 public:
  SharedMessage() = default;
  SharedMessage(const SharedMessage& other) : SharedMessage(other.one_) {}
  SharedMessage(SharedMessage&& other) noexcept : one_(std::exchange(other.one_, nullptr)) {}
  SharedMessage& operator=(SharedMessage other) noexcept {
    std::swap(one_, other.one_);
    return *this;
  }
  ~SharedMessage() { reset(); }

  void reset() {
    if (one_ != nullptr) SharedMessages::release(*std::exchange(one_, nullptr));
  }
  explicit operator bool() const { return one_ != nullptr; }
  const Message* operator->() const { return one_->message; }
  SharedBytes payload() const;  // one more that shares it

 private:
  friend class SharedMessages;
  explicit SharedMessage(SharedMessages::One* one) : one_(one) {
    if (one_ != nullptr) ++one_->references;
  }

  SharedMessages::One* one_ = nullptr;
};

}  // namespace tandem::core
