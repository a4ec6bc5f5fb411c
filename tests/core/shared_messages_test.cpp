// Messages that output shares: State's account of them does not know it, and their memory goes with the last of both.
#include "core/shared_messages.hpp"

#include <string>

#include "core/message_table.hpp"
#include "core/state.hpp"
#include "doctest.hpp"

namespace tandem::core {

namespace {

MessageView view_of(const std::string& payload) {
  MessageView view;
  view.topic = "t";
  view.payload = payload;
  return view;
}

}  // namespace

TEST_CASE("State lets go first: digest, count and bytes are as if nobody shared it, and it can still be read") {
  const std::string payload(2'000, 'p');
  State state;
  SharedMessages messages;
  const Digest empty = state.digest();
  MessageRef held = state.make_message(view_of(payload), 7);
  SharedMessage shared = messages.share(*held.get());
  SharedMessage again = messages.share(*held.get());
  CHECK(messages.count() == 1);
  held.reset();
  CHECK(state.digest() == empty);
  CHECK(state.messages().count() == 0);
  CHECK(state.messages().bytes() == 0);
  shared.reset();
  CHECK(again->view().payload == payload);
  again.reset();
  CHECK(messages.count() == 0);
}

TEST_CASE("output lets go first: State has it as before") {
  const std::string payload(2'000, 'p');
  State state;
  SharedMessages messages;
  const MessageRef held = state.make_message(view_of(payload), 7);
  const Digest with = state.digest();
  messages.share(*held.get()).reset();
  CHECK(messages.count() == 0);
  CHECK(state.digest() == with);
  CHECK(held->view().payload == payload);
}

TEST_CASE("one that nobody holds goes with the last who shares its payload") {
  const std::string payload(2'000, 'p');
  BlockPool memory;
  TransientMessages owner(memory);
  SharedMessages messages;
  SharedMessage shared = messages.share(*Message::create(view_of(payload), 0, owner));
  SharedMessage copy = shared;
  {
    const SharedBytes bytes = shared.payload();
    shared.reset();
    copy = SharedMessage();
    CHECK(bytes.kept());
    CHECK(bytes.view() == payload);
    CHECK(messages.count() == 1);
  }
  CHECK(messages.count() == 0);
}

}  // namespace tandem::core
