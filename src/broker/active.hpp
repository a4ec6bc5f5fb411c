// The active's life: clients' packets become records (decide), change State (apply), and what that causes waits at the
// gate. One object serves all reigns of a process: begin() and end() bracket each.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/token_bucket.hpp"
#include "broker/authentications.hpp"
#include "broker/clocks.hpp"
#include "broker/effect_writer.hpp"
#include "broker/gate.hpp"
#include "broker/log_builder.hpp"
#include "broker/log_share.hpp"
#include "broker/login_throttle.hpp"
#include "broker/sys_topics.hpp"
#include "core/acl_text.hpp"
#include "core/apply.hpp"
#include "core/decide.hpp"
#include "core/effects.hpp"
#include "core/reconcile.hpp"
#include "core/state.hpp"
#include "edge/connections.hpp"

namespace tandem::broker {

struct ActiveCounters {
  std::uint64_t received = 0;           // PUBLISH packets taken
  std::uint64_t recorded = 0;           // records appended
  std::uint64_t refused = 0;            // PUBLISH packets refused
  std::uint64_t packets = 0;            // of any kind
  std::uint64_t connects = 0;           // accepted
  std::uint64_t refused_logins = 0;     // wrong user name, password or proof
  std::uint64_t throttled_logins = 0;   // not looked at: too many of that address were wrong
  std::uint64_t denied = 0;             // of `refused`: by access rules
  std::uint64_t publishers_paused = 0;  // times that a client had published limits.max_publishes_per_s
};

class Active final : public edge::PacketSink {
 public:
  // `passwords` may be null: no user gets in by one.
  Active(const core::Policy& policy, std::vector<AuthMechanism*> auth_mechanisms, PasswordCheck* passwords);

  // Wires the parts that live beside it; before anything else.
  void attach(edge::Connections& connections, std::function<std::uint64_t()> random);
  // Called before the first packet of a turn is acted upon; false: this node has just ceased to be active.
  void on_turn_begin(std::function<bool()> begin_turn) { begin_turn_ = std::move(begin_turn); }

  // A reign begins on `state`, whose log ends at `last`: the first record says that nobody is connected.
  void begin(core::State& state, Epoch epoch, Lsn last, Instant time);
  // Rule A6: the same reign under a higher epoch; clients notice nothing.
  void go_on_as(Epoch epoch) { log_.set_epoch(epoch); }
  void end();
  bool reigning() const { return state_ != nullptr; }

  // The turn's: of the log, and this machine's.
  void set_time(Instant time, Steady now) {
    log_.set_time(time);
    now_ = now;
  }
  // Nothing is recorded that needs a higher feature level than the peer's.
  void set_common_level(std::uint32_t level) { policy_.common_level = level; }
  void set_memory_full(bool full) {
    policy_.memory_full = full;
    writer_->set_memory_full(full);
  }
  // Wills, expiries: whatever log time has brought about, bounded a turn; and clients whose queue overflowed.
  void do_what_is_due();
  // There is more to do than fitted into this turn: the next one need not wait for anything.
  bool wants_turn() const { return more_to_write_ || goes_on_subscribing(); }
  // RECONCILE: a fact of the peer's tail becomes a record; `report` counts it. Error: it is no fact.
  Status merge(const core::ForkIndex& fork, const core::Origin& origin, ByteView fact, core::MergeReport& report);
  std::vector<Batch> take_batches() { return log_.take(); }
  Lsn last() const { return log_.last(); }
  void end_turn() {
    gate_->end_turn();
    hear_again();
  }
  void release(Lsn safe);
  // Followers lag: whoever records much waits.
  void slow_publishers(bool slow);
  // A switchover needs silence: clients that record something are read no further, pending SUBSCRIBEs wait.
  void hold_publishers(bool hold) { publishers_held_ = hold; }
  // Planned switchover: MQTT 5 clients are told to go elsewhere, and why. Nothing is recorded: for the log they are
  // connected until the next reign begins, and then have their grace.
  void redirect(mqtt::Reason reason, const std::string& server_reference);

  // $SYS: what has changed goes to whoever subscribed.
  void publish_sys(const SysFigures& figures, std::vector<std::pair<std::string, std::string>> more, Steady now);

  const ActiveCounters& counters() const { return counters_; }
  const Gate& gate() const { return *gate_; }
  std::uint64_t dropped_qos0() const { return writer_->dropped_qos0(); }
  std::uint64_t delivered() const { return writer_->delivered(); }
  std::uint64_t packets_sent() const { return writer_->packets(); }

  // Users and access rules (active_access.cpp). Error: what is wrong; nothing was changed.
  Status set_users(const std::map<std::string, core::User, std::less<>>& users);
  Status remove_user(std::string_view name);
  // These and no others, as files say that are followed.
  Status follow_users(const std::map<std::string, std::string, std::less<>>& password_hashes);
  // All of them; nothing: there are no rules any more, and everything is allowed.
  Status set_rules(const std::optional<core::RuleSets>& rules);

  // PasswordCheck::check() has its answer.
  void on_password_checked(ConnectionId id, bool right);

  // edge::PacketSink
  bool on_packet(edge::Connection& connection, mqtt::Packet& packet) override;
  void on_malformed(edge::Connection& connection, const mqtt::Decoded& error) override;
  void on_closed(edge::Connection& connection, edge::CloseCause cause) override;

 private:
  // What this active knows of a connection beside its session.
  struct Client {
    ConnectionId connection;  // invalid: not connected (no accepted CONNECT)
    core::Session* session = nullptr;
    std::size_t held_before = 0;         // QoS 2 ids held when it connected; its quota begins anew ([MQTT5-4.9.0-1])
    std::uint32_t connect_expiry_s = 0;  // Session Expiry Interval of CONNECT (U-09)
    bool paused = false;
    bool waits_for_large = false;  // while it is paused
    LogShare log_share;
    std::size_t work = 0;              // that its publishes made since it was last held back for it
    TokenBucket publishes;             // limits.max_publishes_per_s
    std::vector<std::string> aliases;  // inbound topic aliases; [0] unused
  };

  Client* client_of(const edge::Connection& connection);

  // Whom CONNACK is for: its version, and the largest packet that the client takes (0: not known).
  struct Refused {
    mqtt::Version version;
    std::uint32_t max_packet_bytes;
  };
  // How a client has proved who it is, for the CONNACK.
  struct Proven {
    std::string_view method;  // empty: by its password or certificate
    std::string_view username;
    std::string_view data;  // the mechanism's last bytes; empty: none
  };

  // active_connect.cpp
  void on_connect(edge::Connection& connection, const mqtt::Connect& packet);
  // `proven`: null: the client has proved nothing.
  void admit(edge::Connection& connection, const mqtt::Connect& packet, const Proven* proven);
  void decide_connect(const mqtt::Connect& packet, std::string_view id_if_none, const Proven* proven);
  void refuse_connect(edge::Connection& connection, const mqtt::Connect& packet, mqtt::Reason reason);
  void refuse_malformed(edge::Connection& connection, const mqtt::Decoded& error);
  void refuse(edge::Connection& connection, const Refused& client, mqtt::Reason reason, std::string_view why);
  void take_over(core::Session& session);
  void fire_will_before_clean_start(const mqtt::Connect& packet);
  mqtt::Connack accept(const core::ConnectVerdict& verdict, const Proven* proven) const;
  bool on_disconnect(edge::Connection& connection, Client& client, const mqtt::Disconnect& packet);
  void gone(Client& client, bool keep_will, std::optional<std::uint32_t> session_expiry_s);
  // Ends the connection with a reason (5.0) and its will. Result as of close().
  bool end_connection(edge::Connection& connection, mqtt::Reason reason);
  // Closes behind what the gate holds for it. The result is on_packet's: true while bytes are still held back, and then
  // no packet is read any more.
  bool close(edge::Connection& connection);

  // active_auth.cpp
  void begin_authentication(edge::Connection& connection, const mqtt::Connect& packet);
  bool while_authenticating(edge::Connection& connection, Authentication& of, const mqtt::Packet& packet);
  bool on_auth(edge::Connection& connection, const mqtt::Auth& packet);
  bool take_auth_step(edge::Connection& connection, Authentication& of, ByteView data);
  bool send_auth(edge::Connection& connection, Authentication& of, mqtt::Reason reason, ByteView data);
  bool fail_authentication(edge::Connection& connection, Authentication& of, mqtt::Reason reason);
  void hear_again();

  // active_password.cpp
  void begin_password_check(edge::Connection& connection, const mqtt::Connect& packet);
  void refuse_login(edge::Connection& connection, const mqtt::Connect& packet);
  void count_wrong_login(const edge::Connection& connection);

  // active_access.cpp
  void record_access(const core::Record& record);
  void end_connections_of(std::string_view username);

  // active_packets.cpp
  bool on_publish(edge::Connection& connection, Client& client, const mqtt::Publish& packet);
  // The topic after alias resolution; else the reason to end the connection.
  mqtt::Reason resolve_topic(Client& client, const mqtt::Publish& packet, std::string_view& topic);
  void answer_refused(edge::Connection& connection, const mqtt::Publish& packet, mqtt::Reason reason);
  bool on_ack(edge::Connection& connection, Client& client, const mqtt::Ack& packet);

  // active_forward.cpp
  bool may_forward(const mqtt::Publish& packet) const;  // what publish_ says of it
  void forward(edge::Connection& connection, const mqtt::Publish& packet);
  bool forward_to(core::Session& session, const mqtt::PublishForm& form, mqtt::Qos qos);
  void deliver_to_others(const mqtt::PublishForm& form);

  // sys_packets.cpp
  // Those of a SUBSCRIBE, not applied yet, that get what $SYS says now.
  static std::vector<std::string_view> sys_filters_of(const core::Session& session, const mqtt::Subscribe& packet,
                                                      const core::SubscribeVerdict& verdict);
  void send_sys(edge::Connection& connection, std::string_view filter, std::uint32_t subscription_identifier);

  // active_subscribe.cpp
  // A SUBSCRIBE of which some filters are still to be done.
  struct PendingSubscribe {
    ConnectionId connection;
    std::uint16_t packet_id = 0;
    std::optional<std::uint32_t> identifier;
    std::vector<std::pair<std::string, mqtt::SubscriptionOptions>> filters;
    std::vector<mqtt::Reason> reasons;  // of the filters that are done
  };
  bool on_subscribe(edge::Connection& connection, Client& client, const mqtt::Subscribe& packet);
  void subscribe(edge::Connection& connection, Client& client, const mqtt::Subscribe& packet,
                 const core::SubscribeVerdict& verdict, std::uint16_t packet_id,
                 const std::vector<mqtt::Reason>& reasons);
  void subscribe_by_turns(edge::Connection& connection, Client& client, const mqtt::Subscribe& packet);
  bool goes_on_subscribing() const { return !pending_subscribes_.empty() && !publishers_held_; }
  void go_on_subscribing();
  bool on_unsubscribe(edge::Connection& connection, Client& client, const mqtt::Unsubscribe& packet);

  // active_hand_on.cpp
  void hand_on(const core::Session* ending);  // before its end; null: nothing ends

  void end_overflowed();
  bool must_wait(const edge::Connection& connection, const Client& client) const;  // its log_share is settled
  void count_record(edge::Connection& connection, Client& client, Lsn lsn, std::uint64_t log_bytes_before);
  void pause(edge::Connection& connection, Client& client);
  void count_publish(edge::Connection& connection);
  void pause_while_writing(edge::Connection& connection, Client& client);
  void count_work(edge::Connection& connection, Client& client, std::uint64_t work);

  template <class R>
  Lsn record_if(bool recorded, const R& record);
  core::Applying applying(Lsn lsn) { return core::Applying{*state_, lsn.value, log_.time(), effects_}; }
  void show(Lsn lsn, mqtt::Connack* connack = nullptr);

  core::Policy policy_;
  edge::Connections* connections_ = nullptr;
  std::optional<Gate> gate_;
  std::optional<EffectWriter> writer_;
  std::function<bool()> begin_turn_;
  std::function<std::uint64_t()> random_;
  core::State* state_ = nullptr;
  LogBuilder log_;
  Steady now_;  // of the turn
  core::Effects effects_;
  core::PublishVerdict publish_;
  std::vector<const core::Target*> not_forwarded_;  // scratch of forward()
  core::ConnectVerdict connect_;
  core::ReconcileVerdict reconciled_;
  std::vector<Client> clients_;  // by slot
  SysTopics sys_;
  std::vector<ConnectionId> paused_;
  std::deque<PendingSubscribe> pending_subscribes_;
  std::vector<ConnectionId> overflowed_;  // to be ended before the turn's end; one may be there several times
  Authentications authentications_;
  PasswordCheck* passwords_;
  LoginThrottle logins_;
  std::vector<ConnectionId> until_next_turn_;  // not read any more in this turn
  Lsn safe_;                                   // as of the last release
  bool more_to_write_ = false;                 // that was postponed, and only waits for its turn
  bool slow_ = false;
  std::uint32_t lag_ = 0;  // number of the lag that there is (slow_) or was last
  bool publishers_held_ = false;
  ActiveCounters counters_;
};

template <class R>
Lsn Active::record_if(bool recorded, const R& record) {
  if (!recorded) return Lsn{};
  ++counters_.recorded;
  return log_.append(record);
}

}  // namespace tandem::broker
