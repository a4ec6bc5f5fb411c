// One block a message: the header, the expiry if it has one, then topic, properties and payload.
#include "core/message.hpp"

#include <cstring>
#include <new>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace tandem::core {

std::uint32_t MessageView::seconds_left(Instant now) const {
  const std::int64_t waited_s = (now.ms - published_at.ms) / 1000;
  if (waited_s <= 0) return expiry_s;
  return waited_s >= expiry_s ? 0 : expiry_s - static_cast<std::uint32_t>(waited_s);
}

Message* Message::create(const MessageView& view, std::uint64_t id, MessageOwner& owner) {
  CHECK(view.topic.size() <= limits::max_topic_bytes);
  const std::size_t expiry_bytes = view.has_expiry() ? sizeof view.expiry_s : 0;
  auto* message = new (owner.memory().take(sizeof(Message) + expiry_bytes + view.bytes())) Message();
  message->id_ = id;
  message->owner_ = &owner;
  message->published_at_ = view.published_at;
  message->qos_ = static_cast<std::uint8_t>(view.qos) & 3U;
  message->retain_ = view.retain;
  message->has_expiry_ = view.has_expiry();
  message->topic_size_ = static_cast<std::uint16_t>(view.topic.size());
  message->properties_size_ = static_cast<std::uint32_t>(view.properties.size());
  message->payload_size_ = static_cast<std::uint32_t>(view.payload.size());
  auto* to = reinterpret_cast<char*>(message + 1);
  if (message->has_expiry_) std::memcpy(to, &view.expiry_s, expiry_bytes);
  to += expiry_bytes;
  if (!view.topic.empty()) std::memcpy(to, view.topic.data(), view.topic.size());
  to += view.topic.size();
  if (!view.properties.empty()) std::memcpy(to, view.properties.data(), view.properties.size());
  to += view.properties.size();
  if (!view.payload.empty()) std::memcpy(to, view.payload.data(), view.payload.size());
  return message;
}

MessageView Message::view() const {
  MessageView view;
  const char* at = data();
  if (has_expiry_) std::memcpy(&view.expiry_s, at, sizeof view.expiry_s);
  at += expiry_bytes();
  view.topic = std::string_view(at, topic_size_);
  view.properties = ByteView(at + topic_size_, properties_size_);
  view.payload = ByteView(at + topic_size_ + properties_size_, payload_size_);
  view.published_at = published_at_;
  view.qos = static_cast<mqtt::Qos>(qos_);
  view.retain = retain_;
  return view;
}

void Message::release() {
  if (--references_ != 0) return;
  owner_->on_last_release(*this);
  if (!shared_) give_memory_back();
}

void Message::give_memory_back() {
  BlockPool& memory = owner_->memory();
  const std::size_t size = sizeof(Message) + expiry_bytes() + bytes();
  this->~Message();
  memory.give(this, size);
}

}  // namespace tandem::core
