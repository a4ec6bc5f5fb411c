// A session of a shared group's member ends: what the member was given and has not acknowledged goes to another member
// of that group (U-31). QoS 2 only if it was never sent: a begun flow is nobody else's
// ([MQTT5-4.8.2-5]).
#pragma once

#include "core/decide.hpp"

namespace tandem::core {

// The session that ends when this record is applied; null: none does.
const Session* session_ended_by(const State& state, const Connected& record);
const Session* session_ended_by(const State& state, const Disconnected& record);
const Session* session_ended_by(const State& state, const SessionEnded& record);

struct HandOnVerdict {
  HandedOn record;  // borrows from State
  bool recorded = false;
};

// The next message, at or behind position `at` of the queue of `ending`, that another member shall have; moves `at`
// behind it. False: no more. Its record is to be applied before the next call, and all before the record that ends the
// session.
bool decide_hand_on(State& state, const Policy& policy, const Session& ending, Instant now, Sequence& at,
                    HandOnVerdict& verdict);

}  // namespace tandem::core
