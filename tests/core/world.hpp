// The core of a pair without a broker around it: packets of clients are decided, appended to a log in memory and
// applied on an active State as the broker's turn does; a standby State sees nothing but the encoded batches. Time
// stands still until advance_ms().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "core/apply.hpp"
#include "core/decide.hpp"
#include "core/image.hpp"
#include "core/reconcile.hpp"
#include "core/record_codec.hpp"
#include "core/state.hpp"
#include "core/tail.hpp"

namespace tandem::core::test {

// One packet as its client gets it; which fields mean something depends on `kind` (effects.hpp).
struct Event {
  EffectKind kind = EffectKind::publish;
  std::string topic;
  std::string payload;
  std::string properties;
  unsigned qos = 0;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;
  std::vector<std::uint32_t> identifiers;
  std::optional<std::uint32_t> expiry_s;
  mqtt::Type ack = mqtt::Type::puback;
  mqtt::Reason reason = mqtt::Reason::success;
  bool session_present = false;
  std::vector<mqtt::Reason> reasons;
};

struct Client {
  std::string id;
  std::uint32_t slot = 0;
  ConnectionId connection;  // invalid: not connected
  SessionId session = 0;
  bool session_present = false;
  std::uint16_t next_packet_id = 1;
  std::deque<Event> events;  // what came since the last look

  bool connected() const { return connection.valid(); }
  std::vector<Event> take() {
    std::vector<Event> all(events.begin(), events.end());
    events.clear();
    return all;
  }
  std::vector<Event> take_publishes();       // and forget the rest
  std::vector<std::string> take_payloads();  // of the publishes
};

struct WillOptions {
  std::string topic = "will";
  std::string payload = "gone";
  unsigned qos = 1;
  bool retain = false;
  std::uint32_t delay_s = 0;
  std::optional<std::uint32_t> expiry_s = std::nullopt;
  std::string properties = {};
};

struct ConnectOptions {
  bool clean_start = true;
  std::uint32_t expiry_s = 0;  // 5.0
  mqtt::Version version = mqtt::Version::v5;
  std::uint16_t keep_alive_s = 60;
  std::optional<std::uint16_t> receive_maximum = std::nullopt;
  std::optional<std::uint32_t> max_packet_bytes = std::nullopt;
  std::optional<WillOptions> will = std::nullopt;
  std::string username = {};  // proven
};
ConnectOptions durable(std::uint32_t expiry_s = 3600);  // 5.0, Clean Start 0
ConnectOptions v3(bool clean_session);

struct SubscribeOptions {
  unsigned qos = 2;
  bool no_local = false;
  bool retain_as_published = false;
  mqtt::RetainHandling retain_handling = mqtt::RetainHandling::always;
  std::uint32_t identifier = 0;
};

struct PublishOptions {
  unsigned qos = 1;
  bool retain = false;
  std::optional<std::uint32_t> expiry_s = std::nullopt;
  std::uint16_t packet_id = 0;  // 0: the client's next
  std::string properties = {};  // property bytes
};

struct Published1 {
  mqtt::Reason refusal = mqtt::Reason::success;
  bool duplicate = false;
  bool recorded = false;
  std::uint16_t packet_id = 0;
  std::vector<std::pair<SessionId, std::string>> picks;
};

// Told about what happens inside World, for models that check it.
class Observer {
 public:
  virtual ~Observer() = default;
  // Around the apply that distributes a message: a PUBLISH that was taken, or a will.
  virtual void before_message(const MessageView& message, SessionId publisher,
                              const std::vector<SharedPick>& picks) = 0;
  virtual void after_message(const MessageView& message, SessionId publisher, const std::vector<SharedPick>& picks) = 0;
  virtual void on_due(const Record& record) = 0;  // before it is applied
  // Around the apply that gives a message to another member of a shared group.
  virtual void before_hand_on() {}
  virtual void after_hand_on(const MessageView& /*message*/, const SharedPick& /*to*/) {}
};

// Replays one batch as a standby does. Aborts if it cannot be read.
void replay(State& state, const Batch& batch);
// All durable facts as text, in a fixed order: what two boxes must have in common (digest.hpp sees less).
std::string describe(const State& state);

class World {
 public:
  explicit World(std::size_t clients = 6);

  Client& client(std::size_t index) { return *clients_[index]; }
  std::size_t client_count() const { return clients_.size(); }
  State& active() { return *active_; }
  State& standby() { return *standby_; }
  Session* session(const Client& client) { return active_->session_of(client.id); }
  Instant now() const { return time_; }
  std::uint64_t last_lsn() const { return last_lsn_; }
  const std::vector<Batch>& log() const { return log_; }
  Policy policy;
  int overflowed = 0;  // how often a client was to be disconnected for its full queue
  Observer* observer = nullptr;

  mqtt::Reason connect(Client& client, const ConnectOptions& options = {});
  // DISCONNECT; `reason` success drops the will.
  void disconnect(Client& client, mqtt::Reason reason = mqtt::Reason::success,
                  std::optional<std::uint32_t> session_expiry_s = std::nullopt);
  void lose(Client& client);  // the connection breaks
  std::vector<mqtt::Reason> subscribe(Client& client, const std::string& filter, const SubscribeOptions& options = {});
  std::vector<mqtt::Reason> unsubscribe(Client& client, const std::string& filter);
  Published1 publish(Client& client, const std::string& topic, const std::string& payload,
                     const PublishOptions& options = {});
  void pubrel(Client& client, std::uint16_t packet_id);
  AckMeaning ack(Client& client, mqtt::Type type, std::uint16_t packet_id, bool refused = false);
  // PUBACK, or PUBREC and PUBCOMP, of everything that came; returns the payloads. Goes on while acks bring more.
  std::vector<std::string> drain(Client& client);

  // Users and access rules: what an operator orders.
  void order(const Record& record);
  void order_rules(const std::string& acl_text);  // all of them

  // Time passes; what falls due happens, and the turn ends.
  void advance_ms(std::int64_t ms);
  void do_what_is_due();
  // The batch is closed, and the standby applies it.
  void end_turn();
  void begin_reign();
  // The pair splits: another World with the same clients, whose active has this one's log so far and begins a reign of
  // its own. Nobody is connected there.
  std::unique_ptr<World> fork();
  // RECONCILE, the winner's side: what becomes of one fact.
  MergeEnd merge(ForkIndex& fork, const TailFact& fact, MergeReport& report);
  std::string verdict_line() const {
    return reconcile_.line.empty() ? "" : reconcile_.subject + ": " + reconcile_.line;
  }
  // Everything behind `common` of this log, for a ForkIndex or a tail.
  void each_record(Lsn behind, const std::function<void(Epoch, Lsn, Instant, const Record&)>& each);
  // The active dies: the standby reigns. `rebuilt`: the next standby, up to date; nullptr: one that replays the whole
  // log.
  void take_over(std::unique_ptr<State> rebuilt = nullptr);
  // The boxes agree, and each one's digest is that of its entities.
  void check(bool thorough = true);

 private:
  template <class R>
  std::uint64_t append(bool recorded, const R& record);
  Applying applying(std::uint64_t lsn) { return Applying{*active_, lsn, time_, effects_}; }
  void show();
  void gone(Client& client, bool keep_will, std::optional<std::uint32_t> session_expiry_s);
  void fire_will_before_clean_start(const Client& client, const ConnectOptions& options);
  void fire_will(const WillFired& record);
  void hand_on(const Session* ending);  // null: nothing ends

  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<State> active_;
  std::unique_ptr<State> standby_;
  std::vector<Batch> log_;
  std::shared_ptr<ByteBuffer> open_ = std::make_shared<ByteBuffer>();
  std::uint32_t open_count_ = 0;
  std::uint64_t last_lsn_ = 0;
  Epoch epoch_{0, NodeId{7}, 42};
  std::uint32_t next_generation_ = 1;
  Instant time_{1'700'000'000'000};
  Effects effects_;
  PublishVerdict publish_;
  ConnectVerdict connect_;
  ReconcileVerdict reconcile_;
};

}  // namespace tandem::core::test
