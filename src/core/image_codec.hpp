// Rows of an image: keys that sort as they should load, and values (docs/formats.md). Numbers in keys are big-endian.
#pragma once

#include "base/batch.hpp"
#include "core/image.hpp"
#include "core/state.hpp"

namespace tandem::core {

ByteBuffer message_key(std::uint64_t id);
ByteBuffer session_key(SessionId id);
ByteBuffer subscription_key(SessionId id, std::string_view filter);
ByteBuffer segment_key(SessionId id, std::uint64_t segment);

Row globals_row(const Globals& globals);
Row message_row(const Message& message);
Row session_row(const Session& session);
Row subscription_row(const Subscription& subscription);
// Erased if the segment is no longer part of the queue.
Row segment_row(const Session& session, std::uint64_t segment);
Row retained_row(const std::string& topic, const Retained& retained);
Row will_row(const std::string& client_id, const Will& will);
Row user_row(const std::string& name, const User& user);
ByteBuffer rule_set_row_key(const RuleSetName& name);
Row rule_set_row(const RuleSetName& name, const RuleSet& set);

}  // namespace tandem::core
