// Threads that carry the bytes: what the core does to a connection while another thread reads it or has just read it.
#include <map>

#include "base/limits.hpp"
#include "harness.hpp"
#include "tls_harness.hpp"

#include <doctest/doctest.h>

namespace tandem::edge::test {

namespace {

constexpr std::size_t clients_at_once = 3 * limits::edge_group + 5;

EdgeOptions with_threads() {
  EdgeOptions options = Harness::default_options();
  options.threads = 2;
  options.share_from = 1;
  return options;
}

// Several groups' worth of clients, all accepted.
struct Crowd {
  explicit Crowd(Harness& h) {
    for (std::size_t i = 0; i < clients_at_once; ++i) clients.push_back(std::make_unique<Client>(h.port()));
    REQUIRE(h.run_until([&] { return h.edge->connection_count() == clients_at_once; }));
  }
  void send(ByteView bytes) {
    for (const auto& client : clients) client->send(bytes);
  }
  std::vector<std::unique_ptr<Client>> clients;
};

}  // namespace

TEST_CASE("each client's packets come in order, and its answers go to it") {
  Harness h(with_threads());
  Crowd crowd(h);
  constexpr std::size_t each = 50;
  std::map<Connection*, std::size_t> next;
  bool in_order = true;
  h.sink.packet = [&](Connection& connection, mqtt::Packet& packet) {
    const auto* const message = std::get_if<mqtt::Publish>(&packet);
    in_order = in_order && message != nullptr && message->payload.size() == next[&connection]++;
    connection.out() += ping();
    connection.will_write();
    return true;
  };
  std::string bytes;
  for (std::size_t i = 0; i < each; ++i) bytes += publish(i);
  crowd.send(ByteView(bytes).substr(0, 333));  // in the middle of a packet
  h.turn();
  crowd.send(ByteView(bytes).substr(333));
  CHECK(h.run_until([&] {
    bool all = true;
    for (const auto& client : crowd.clients) {
      client->poll();
      all = all && client->received().size() == each * ping().size();
    }
    return all;
  }));
  CHECK(in_order);
}

TEST_CASE("a connection closed while another thread reads it: none of its bytes are handed over") {
  Harness h(with_threads());
  Crowd crowd(h);
  std::size_t handed_over = 0;
  h.sink.packet = [&](Connection& connection, mqtt::Packet&) {
    ++handed_over;
    h.edge->connections().each([&](Connection& other) {
      if (&other != &connection) other.close_now();
    });
    return true;
  };
  crowd.send(ping());
  CHECK(h.run_until([&] { return h.edge->connection_count() == 1; }));
  h.run_turns(3);
  CHECK(handed_over == 1);
}

TEST_CASE("a connection paused when its bytes have been read: they are handed over when it is resumed") {
  Harness h(with_threads());
  Crowd crowd(h);
  bool all_paused = false;
  Connection* reader = nullptr;
  std::vector<ConnectionId> others;
  h.sink.packet = [&](Connection& connection, mqtt::Packet&) {
    if (reader != nullptr) return true;
    reader = &connection;
    h.edge->connections().each([&](Connection& other) {
      if (&other == reader) return;
      other.pause_reading();
      others.push_back(other.id());
    });
    all_paused = true;
    return true;
  };
  crowd.send(publish(10) + publish(20));
  REQUIRE(h.run_until([&] { return all_paused; }));
  h.run_turns(3);
  CHECK(h.sink.seen.size() == 2);
  for (const ConnectionId id : others) h.edge->find(id)->resume_reading();
  CHECK(h.run_until([&] { return h.sink.seen.size() == 2 * clients_at_once; }));
  CHECK(h.sink.count("publish 10") == clients_at_once);
}

TEST_CASE("ends of stream and resets of many clients are each told once") {
  Harness h(with_threads());
  Crowd crowd(h);
  crowd.send(ping());
  for (std::size_t i = 0; i < clients_at_once; ++i) i % 2 == 0 ? crowd.clients[i]->close() : crowd.clients[i]->reset();
  CHECK(h.run_until([&] { return h.edge->connection_count() == 0; }));
  CHECK(h.sink.causes.size() == clients_at_once);
}

TEST_CASE("more than a turn may read is left for the next one") {
  Harness h(with_threads());
  Crowd crowd(h);
  const std::string much = publish(100'000);
  crowd.send(much);
  CHECK(h.run_until([&] { return h.sink.count("publish 100000") == clients_at_once; }));
}

// A TLS session reads or writes, not both: who is written to in every turn must be read all the same.
TEST_CASE("TLS: a client that gets something in every turn is heard") {
  TlsHarness t(with_threads(), ClientCertificate::none, UserNameFrom::connect, false);
  TlsPeer peer(t.h);
  REQUIRE(peer.shake_hands());
  peer.send(ping());
  REQUIRE(t.h.run_until([&] { return t.h.sink.seen.size() == 1; }));
  Connection& connection = *t.h.sink.last;
  const auto busy_turn = [&] {  // the loop never comes to rest, so nothing is settled between turns
    connection.out() += publish(10);
    connection.will_write();
    t.h.loop.poll();
    t.h.edge->flush();
    t.h.edge->new_turn();
    peer.poll();
  };
  busy_turn();
  peer.send(ping());
  for (int turn = 0; turn < 1'000 && t.h.sink.seen.size() < 2; ++turn) busy_turn();
  CHECK(t.h.sink.seen.size() == 2);
}

}  // namespace tandem::edge::test
