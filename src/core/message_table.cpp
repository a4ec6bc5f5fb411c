// Bookkeeping of durable messages: digest, what a checkpoint holds, what has gone since.
#include "core/message_table.hpp"

#include "base/check.hpp"
#include "base/hash.hpp"

namespace tandem::core {

namespace {

std::uint64_t hash_content(const Message& message) {
  const MessageView v = message.view();
  const ByteView all(v.topic.data(), v.bytes());  // topic, properties and payload lie behind one another
  const std::uint64_t facts =
      (static_cast<std::uint64_t>(v.expiry_s) << 3) | (static_cast<std::uint64_t>(v.qos) << 1) | (v.retain ? 1U : 0U);
  const std::uint64_t borders = (static_cast<std::uint64_t>(v.topic.size()) << 32) | v.properties.size();
  // Odd factors keep the fields apart; one mixing, since this is hot.
  return mix64(hash64(all) ^ (message.id() * 0x9e3779b97f4a7c15ULL) ^ (facts * 0xc2b2ae3d27d4eb4fULL) ^
               (borders * 0x165667b19e3779f9ULL) ^
               (static_cast<std::uint64_t>(v.published_at.ms) * 0xd6e8feb86659fd93ULL));
}

}  // namespace

void MessageTable::List::push(Message& message) {
  message.previous_ = nullptr;
  message.next_ = first;
  if (first != nullptr) first->previous_ = &message;
  first = &message;
}

void MessageTable::List::unlink(Message& message) {
  if (message.previous_ != nullptr)
    message.previous_->next_ = message.next_;
  else
    first = message.next_;
  if (message.next_ != nullptr) message.next_->previous_ = message.previous_;
  message.next_ = message.previous_ = nullptr;
}

MessageRef MessageTable::make(const MessageView& view, std::uint64_t id, Message::Listed listed) {
  CHECK(id != 0);
  Message* message = Message::create(view, id, *this);
  message->listed_ = listed;
  message->content_hash_ = hash_content(*message);
  digest_.add(Table::messages, id, message->content_hash_);
  ++count_;
  bytes_ += message->bytes();
  if (listed != Message::Listed::no) fresh_.push(*message);
  return MessageRef(message);
}

MessageRef MessageTable::create(const MessageView& view, std::uint64_t id) {
  return make(view, id, fresh_as_);
}

MessageRef MessageTable::create_saved(const MessageView& view, std::uint64_t id) {
  return make(view, id, Message::Listed::no);
}

void MessageTable::begin_checkpoint() {
  CHECK(pending_.first == nullptr);
  pending_.first = fresh_.first;
  fresh_.first = nullptr;
  fresh_as_ = fresh_as_ == Message::Listed::even ? Message::Listed::odd : Message::Listed::even;
  erased_pending_ = std::move(erased_);
  erased_.clear();
}

Message* MessageTable::next_pending() {
  Message* message = pending_.first;
  if (message == nullptr) return nullptr;
  pending_.unlink(*message);
  message->listed_ = Message::Listed::no;
  return message;
}

std::vector<std::uint64_t> MessageTable::take_erased() {
  return std::move(erased_pending_);
}

void MessageTable::on_last_release(Message& message) {
  digest_.remove(Table::messages, message.id(), message.content_hash_);
  --count_;
  bytes_ -= message.bytes();
  if (message.listed_ == fresh_as_) {
    fresh_.unlink(message);
    return;
  }
  if (message.listed_ != Message::Listed::no) {
    if (losing_pending_) losing_pending_(message);
    pending_.unlink(message);
  }
  erased_.push_back(message.id());
}

}  // namespace tandem::core
