// RECONCILE, the winner's side: what it has done itself since the fork, by client id and topic, so that "newest wins"
// can be decided. Fed with its own records behind the common point: those of its log, and new ones as they are made, in
// any order; a record may come twice.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/record.hpp"
#include "core/state.hpp"

namespace tandem::core {

class ForkIndex {
 public:
  explicit ForkIndex(Lsn common) : common_(common) {}

  // Records at or before the common point are passed over. `state`: the present one, in which older sessions are looked
  // up; what cannot be found there comes from the records themselves, perhaps later ones.
  void note(Lsn lsn, Instant time, const Record& record, const State& state);
  void note(Lsn lsn, Instant time, const Published& record, const State& state);
  void note(Lsn lsn, Instant time, const Released& record, const State& state);

  Lsn common() const { return common_; }

  // A change of an entity here since the fork: the newest one; nullptr: none.
  struct Change {
    Lsn lsn;
    Instant time;
  };
  const Change* retained(std::string_view topic) const;  // set or deleted
  const Change* subscription(std::string_view client_id, std::string_view filter) const;
  const Change* session(std::string_view client_id) const;       // began, resumed, disconnected, ended
  const Change* session_anew(std::string_view client_id) const;  // began or ended: nothing of an older one is left
  bool connected(std::string_view client_id) const;              // a CONNECT was accepted
  // What this box knows of an inbound QoS 2 message that the other one took at `at` and has no PUBREL of; `after`: when
  // a PUBREL there ended the flow before it. A client goes on with a flow on whichever box it finds.
  enum class Seen : std::uint8_t {
    nothing,  // its flow may go on here
    message,  // its PUBLISH came here as well
    release,  // its PUBREL came here, or may have: the client knows that the other box has it
  };
  Seen seen(std::string_view client_id, std::uint16_t packet_id, Instant at, std::optional<Instant> after) const;
  // The last PUBLISH or PUBREL here with that packet id, in a session that is older than the fork; nullptr: none.
  const Change* last_seen(std::string_view client_id, std::uint16_t packet_id) const;

 private:
  struct Event {
    Change change;
    bool release = false;  // PUBREL; else PUBLISH
  };
  using Events = std::vector<Event>;  // of one packet id, by lsn; the middle ones of many are forgotten
  struct OfSession {
    std::map<std::string, Change, std::less<>> subscriptions;
    std::map<std::uint16_t, Events> packet_ids;
    bool begun_here = false;
  };
  struct OfClient {
    Change session;
    Change anew;
    bool connected = false;
  };

  static void newest(Change& change, Lsn lsn, Instant time);
  void learn(SessionId session, std::string_view client_id);
  OfSession& of_session(SessionId session, const State& state);
  template <class Look>
  void each_session(std::string_view client_id, Look look) const;

  static void note_event(Events& events, const Event& event);
  const Events* events(std::string_view client_id, std::uint16_t packet_id) const;
  void take(Lsn lsn, Instant time, const Connected& record);
  void take(Lsn lsn, Instant time, const Subscribed& record, const State& state);
  void take(Lsn lsn, Instant time, const Unsubscribed& record, const State& state);

  Lsn common_;
  std::map<std::string, Change, std::less<>> retained_;
  std::map<std::string, OfClient, std::less<>> clients_;
  std::unordered_map<SessionId, OfSession> sessions_;
  std::map<std::string, std::set<SessionId>, std::less<>> sessions_of_;  // as far as they are known
};

}  // namespace tandem::core
