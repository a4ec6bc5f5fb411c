// A published message as State keeps it: one allocation, shared by every queue entry, retained slot and will that holds
// it; output's share is shared_messages.hpp's. Reference counts are not atomic: State belongs to the core thread.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "core/block_pool.hpp"
#include "mqtt/packet.hpp"

namespace tandem::core {

inline constexpr std::uint32_t no_expiry = 0xFFFFFFFF;

// What a message says, borrowed from a packet, a record or a Message.
struct MessageView {
  std::string_view topic;
  ByteView properties;  // as forwarded: without alias, expiry and subscription identifiers
  ByteView payload;
  Instant published_at;
  std::uint32_t expiry_s = no_expiry;
  mqtt::Qos qos = mqtt::Qos::at_most_once;
  bool retain = false;

  std::size_t bytes() const { return topic.size() + properties.size() + payload.size(); }
  bool has_expiry() const { return expiry_s != no_expiry; }
  // Seconds left at `now`; 0 when it has expired. Only if expiry_s != no_expiry.
  std::uint32_t seconds_left(Instant now) const;
  bool expired(Instant now) const { return has_expiry() && seconds_left(now) == 0; }
};

class MessageOwner;
class MessageRef;

class Message {
 public:
  // `id`: lsn of the record that made it (unique, an image's key); 0 for a message that only transient sessions hold.
  static Message* create(const MessageView& view, std::uint64_t id, MessageOwner& owner);

  MessageView view() const;
  std::uint64_t id() const { return id_; }
  std::size_t bytes() const { return static_cast<std::size_t>(topic_size_) + properties_size_ + payload_size_; }
  std::uint32_t references() const { return references_; }
  std::uint64_t content_hash() const { return content_hash_; }

 private:
  friend class MessageRef;
  friend class MessageTable;
  friend class SharedMessages;
  Message() = default;
  void acquire() { ++references_; }
  void release();
  void give_memory_back();  // nobody needs it any more

  // As MessageTable lists it: no: a checkpoint holds it, or it is transient; else by turns from one checkpoint to the
  // next, so that what is new and what is being encoded bear different ones.
  enum class Listed : std::uint8_t { no, even, odd };

  std::size_t expiry_bytes() const { return has_expiry_ ? sizeof(std::uint32_t) : 0; }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }

  // A million may wait: no gaps, and what few messages have is behind the header.
  std::uint64_t id_ = 0;
  MessageOwner* owner_ = nullptr;
  Message* next_ = nullptr;  // MessageTable's list of messages that no checkpoint holds yet
  Message* previous_ = nullptr;
  std::uint64_t content_hash_ = 0;
  Instant published_at_;
  std::uint32_t references_ = 0;
  std::uint32_t properties_size_ = 0;
  std::uint32_t payload_size_ = 0;
  std::uint16_t topic_size_ = 0;
  std::uint8_t qos_ : 2 = 0;
  bool retain_ : 1 = false;
  bool has_expiry_ : 1 = false;
  bool shared_ : 1 = false;  // SharedMessages needs the memory; references_ may have gone
  Listed listed_ = Listed::no;
};
static_assert(sizeof(Message) == 64);

// Whose memory a message lies in; told when the last reference goes: State unhooks it from its tables.
class MessageOwner {
 public:
  explicit MessageOwner(BlockPool& memory) : memory_(memory) {}
  virtual void on_last_release(Message& message) = 0;
  BlockPool& memory() { return memory_; }

 protected:
  ~MessageOwner() = default;

 private:
  BlockPool& memory_;
};

// Of messages that only transient sessions hold: they are in no table.
class TransientMessages final : public MessageOwner {
 public:
  using MessageOwner::MessageOwner;
  void on_last_release(Message&) override {}
};

class MessageRef {
 public:
  MessageRef() = default;
  explicit MessageRef(Message* message) : message_(message) {
    if (message_ != nullptr) message_->acquire();
  }
  MessageRef(const MessageRef& other) : MessageRef(other.message_) {}
  MessageRef(MessageRef&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
  MessageRef& operator=(MessageRef other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  ~MessageRef() { reset(); }

  void reset() {
    if (message_ != nullptr) std::exchange(message_, nullptr)->release();
  }
  Message* get() const { return message_; }
  Message* operator->() const { return message_; }
  explicit operator bool() const { return message_ != nullptr; }

 private:
  Message* message_ = nullptr;
};

}  // namespace tandem::core
