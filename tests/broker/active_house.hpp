// An active with clients and nothing around it: no node, no store, no peer. A record is safe at the end of its turn.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.hpp"
#include "broker/active.hpp"
#include "tests/broker/fake_client.hpp"

namespace tandem::test {

inline core::Policy open_policy() {
  core::Policy policy;
  policy.allow_anonymous = true;
  return policy;
}

class ActiveHouse {
 public:
  explicit ActiveHouse(const core::Policy& policy = open_policy()) : active_(policy, {}, nullptr) {
    active_.attach(connections_, [this] { return ++dice_; });
    active_.on_turn_begin([this] { return turn_may_begin_; });
    active_.begin(state_, Epoch{1, NodeId{1}, 1}, Lsn{}, Instant{1});
  }
  ~ActiveHouse() { active_.end(); }

  // Connected; its CONNACK is gone.
  FakeClient& connect(const mqtt::Connect& packet) {
    const auto slot = static_cast<std::uint32_t>(clients_.size());
    FakeClient& client = *clients_.emplace_back(std::make_unique<FakeClient>(ConnectionId{slot, 1}));
    connections_.add(client);
    CHECK(client.say(active_, packet));
    turn();
    client.written();
    return client;
  }
  void leave(FakeClient& client) {
    active_.on_closed(client, edge::CloseCause::peer_closed);
    connections_.remove(client.id());
  }
  void turn() {
    active_.do_what_is_due();
    active_.take_batches();
    active_.end_turn();
    active_.release(active_.last());
  }
  // What the node says from now on.
  void turns_may_begin(bool may) { turn_may_begin_ = may; }

  broker::Active& active() { return active_; }
  const core::State& state() const { return state_; }

 private:
  core::State state_;
  edge::Connections connections_;
  broker::Active active_;
  std::vector<std::unique_ptr<FakeClient>> clients_;
  std::uint64_t dice_ = 0;
  bool turn_may_begin_ = true;
};

}  // namespace tandem::test
