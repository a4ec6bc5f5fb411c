#include "core/shared_messages.hpp"

#include "base/check.hpp"

namespace tandem::core {

SharedMessages::~SharedMessages() {
  CHECK(all_.empty());
}

SharedMessage SharedMessages::share(const Message& message) {
  One& one = all_[&message];
  one.message = const_cast<Message*>(&message);  // of which only `shared_` changes
  one.home = this;
  one.message->shared_ = true;
  return SharedMessage(&one);
}

SharedBytes SharedMessage::payload() const {
  ++one_->references;
  return {one_->message->view().payload, one_,
          [](void* one) { SharedMessages::release(*static_cast<SharedMessages::One*>(one)); }};
}

void SharedMessages::release(One& one) {
  if (--one.references != 0) return;
  Message* const message = one.message;
  one.home->all_.erase(message);
  message->shared_ = false;
  if (message->references_ == 0) message->give_memory_back();
}

}  // namespace tandem::core
