// All messages that durable State holds: which are in the last checkpoint, which are new, which have gone since.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/digest.hpp"
#include "core/message.hpp"

namespace tandem::core {

class MessageTable final : public MessageOwner {
 public:
  MessageTable(Digest& digest, BlockPool& memory) : MessageOwner(memory), digest_(digest) {}
  MessageTable(const MessageTable&) = delete;
  MessageTable& operator=(const MessageTable&) = delete;

  // A durable message (id != 0), not in any checkpoint yet.
  MessageRef create(const MessageView& view, std::uint64_t id);
  // A message read from an image: it is in the checkpoint.
  MessageRef create_saved(const MessageView& view, std::uint64_t id);

  // A checkpoint begins: new messages become pending. Then next_pending() one by one until nullptr.
  void begin_checkpoint();
  Message* next_pending();                   // takes it off the list; it counts as saved
  std::vector<std::uint64_t> take_erased();  // saved messages that had gone when the checkpoint began
  // Told about a pending message that is about to go: it must be encoded first.
  void on_losing_pending(std::function<void(const Message&)> encode) { losing_pending_ = std::move(encode); }

  // Those that no checkpoint has begun to hold, the newest first, until `visit` says false.
  template <class Visit>
  void each_fresh(Visit visit) const {
    for (const Message* message = fresh_.first; message != nullptr && visit(*message); message = message->next_) {
    }
  }

  std::size_t count() const { return count_; }
  std::uint64_t bytes() const { return bytes_; }

  void on_last_release(Message& message) override;

 private:
  struct List {
    Message* first = nullptr;
    void push(Message& message);
    void unlink(Message& message);
  };

  MessageRef make(const MessageView& view, std::uint64_t id, Message::Listed listed);

  Digest& digest_;
  List fresh_;    // listed as fresh_as_
  List pending_;  // listed as the other one, while a checkpoint is being encoded
  Message::Listed fresh_as_ = Message::Listed::even;
  std::vector<std::uint64_t> erased_;          // since the last checkpoint began
  std::vector<std::uint64_t> erased_pending_;  // of the checkpoint that is being encoded
  std::function<void(const Message&)> losing_pending_;
  std::size_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace tandem::core
