// What MQTT promises to a client, kept beside State and by other means: each client's own view of its flows, what it is
// still owed, its subscriptions, and the retained messages. Every packet that the core sends and every message that it
// distributes is held against it.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "random.hpp"
#include "world.hpp"

namespace tandem::core::test {

// A QoS 1/2 message that a session was given, and its client has not seen.
struct Owed {
  std::string topic;
  std::string payload;
  std::string properties;
  unsigned qos = 0;
  bool retain = false;
  std::vector<std::uint32_t> identifiers;
  bool may_vanish = false;  // it has an expiry, or may be too large for the client
};

// An outbound QoS 1/2 message as its client knows it.
struct Flow {
  unsigned qos = 1;
  std::string payload;
  bool received = false;       // QoS 2: PUBREC was sent
  bool on_connection = false;  // sent on the present connection
  bool may_vanish = false;     // too large for a connection that came later ([MQTT5-3.1.2-25])
};

struct ClientModel {
  Client* client = nullptr;
  bool has_session = false;
  bool durable = false;
  std::uint32_t expiry_s = 0;
  std::uint32_t window = 0;
  bool small_packets = false;
  std::map<std::uint16_t, Flow> flows;
  std::vector<std::uint16_t> order;     // of unfinished flows, as first sent
  std::deque<std::uint16_t> to_resend;  // after a return: these come first, in this order
  std::deque<Owed> owed;
  std::map<std::uint16_t, std::pair<std::string, std::string>> held;  // QoS 2 in: topic, payload until PUBREL
  std::map<std::string, SubscribeOptions> subscriptions;

  void end_session();
  void connection_lost();
};

struct RetainedModel {
  std::string payload;
  std::string properties;
  unsigned qos = 0;
  bool expires = false;
};

class Model final : public Observer {
 public:
  explicit Model(World& world);

  ClientModel& of(const Client& client) { return clients_[client.slot]; }
  const std::map<std::string, RetainedModel>& retained() const { return retained_; }

  void connect(Client& client, const ConnectOptions& options);
  void disconnect(Client& client, bool by_packet, mqtt::Reason reason);
  void subscribe(Client& client, const std::string& filter, const SubscribeOptions& options);
  void unsubscribe(Client& client, const std::string& filter);
  void publish(Client& client, const std::string& topic, const std::string& payload, const PublishOptions& options);
  void release(Client& client, std::uint16_t packet_id);
  // One step of the client's answers, right or wrong, chosen at random.
  void answer(Client& client, Random& random);
  void everyone_lost();  // a reign begins: no connection is left

  // Reads what came; called after every step.
  void read_all();
  // State's own invariants, and what it must have in common with the model.
  void check_state(const State& state) const;
  // Every client returns and takes all that it is owed.
  void settle();

  void before_message(const MessageView& message, SessionId publisher, const std::vector<SharedPick>& picks) override;
  void after_message(const MessageView& message, SessionId publisher, const std::vector<SharedPick>& picks) override;
  void on_due(const Record& record) override;
  void before_hand_on() override { note_before(); }
  void after_hand_on(const MessageView& message, const SharedPick& to) override;

 private:
  struct Before {
    std::uint64_t tail = 0;
    std::uint64_t dropped = 0;
    std::size_t events = 0;
  };

  void note_before();
  std::vector<Owed> copies_for(const ClientModel& model, const MessageView& message, SessionId publisher,
                               const std::vector<SharedPick>& picks) const;
  void check_picks(const MessageView& message, const std::vector<SharedPick>& picks) const;
  // The session got `copies` since note_before(): in its queue, on its connection, or counted as dropped. Copies of one
  // message are dropped from some copy on; of several messages any may be.
  enum class Source { one_message, several_messages };
  void settle_copies(ClientModel& model, const std::vector<Owed>& copies, Source source);
  void keep_retained(const MessageView& message);
  void read(ClientModel& model);
  void read_publish(ClientModel& model, const Event& event);
  void read_pubrel(ClientModel& model, const Event& event);
  void finish(ClientModel& model, std::uint16_t packet_id);
  // The next flow to be sent again is this one; those before it may only have vanished. 0: none is left.
  void resend_reaches(ClientModel& model, std::uint16_t packet_id);

  World& world_;
  std::vector<ClientModel> clients_;
  std::vector<Before> before_;
  std::map<std::string, RetainedModel> retained_;
};

void check_queue(const Session& session);

}  // namespace tandem::core::test
