// Blocking test client: the MQTT conversations, over the socket part in socket.cpp.
#include "tests/client/client.hpp"

#include <poll.h>

#include <algorithm>

namespace tandem::test {

void Client::fail(ClientError::Kind kind, const std::string& what) const {
  throw ClientError(kind, "client '" + options_.connect.client_id + "': " + what);
}

SteadyTime Client::deadline_of(std::optional<Millis> timeout) const {
  return std::chrono::steady_clock::now() + timeout.value_or(options_.timeout);
}

Packet Client::try_connect() {
  open();
  send(encode_connect(options_.connect));
  return expect(Type::connack);
}

Packet Client::connect() {
  Packet connack = try_connect();
  if (connack.code() != 0) fail(ClientError::Kind::refused, "refused: " + describe(connack));
  return connack;
}

uint16_t Client::next_pid() {
  last_pid_ = last_pid_ == 65535 ? uint16_t{1} : static_cast<uint16_t>(last_pid_ + 1);
  return last_pid_;
}

uint16_t Client::send_publish(Publish publish) {
  if (publish.qos > 0 && publish.pid == 0) publish.pid = next_pid();
  send(encode_publish(publish, options_.connect.version));
  return publish.pid;
}

uint8_t Client::publish(Publish publish, std::optional<Millis> timeout) {
  SteadyTime deadline = deadline_of(timeout);
  auto left = [deadline] {
    return std::max(Millis(0), std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now()));
  };
  uint8_t qos = publish.qos;
  uint16_t pid = send_publish(std::move(publish));
  if (qos == 0) return 0;
  if (qos == 1) return await(Type::puback, pid, left()).code();
  Packet pubrec = await(Type::pubrec, pid, left());
  if (pubrec.code() >= 0x80) return pubrec.code();
  send_ack(Type::pubrel, pid);
  return await(Type::pubcomp, pid, left()).code();
}

uint8_t Client::publish(const std::string& topic, const std::string& payload, uint8_t qos, bool retain) {
  Publish message;
  message.topic = topic;
  message.payload = payload;
  message.qos = qos;
  message.retain = retain;
  return publish(std::move(message));
}

void Client::send_ack(Type type, uint16_t pid, uint8_t code) {
  send(encode_ack(type, pid, options_.connect.version, code));
}

std::vector<uint8_t> Client::subscribe(const std::vector<Filter>& filters, const Properties& properties) {
  uint16_t pid = next_pid();
  send(encode_subscribe(pid, filters, options_.connect.version, properties));
  Packet suback = await(Type::suback, pid);
  if (suback.codes.size() != filters.size()) {
    fail(ClientError::Kind::protocol, "SUBACK does not answer each filter (MQTT-3.8.4-6): " + describe(suback));
  }
  return suback.codes;
}

uint8_t Client::subscribe(const std::string& filter, uint8_t qos) {
  uint8_t code = subscribe(std::vector<Filter>{{filter, qos}})[0];
  if (code > 2) fail(ClientError::Kind::protocol, "filter '" + filter + "' refused with " + std::to_string(code));
  return code;
}

std::vector<uint8_t> Client::unsubscribe(const std::vector<std::string>& filters) {
  uint16_t pid = next_pid();
  send(encode_unsubscribe(pid, filters, options_.connect.version));
  return await(Type::unsuback, pid).codes;
}

void Client::ping(std::optional<Millis> timeout) {
  send(encode_pingreq());
  await(Type::pingresp, 0, timeout);
}

void Client::disconnect(uint8_t code, const Properties& properties) {
  send(encode_disconnect(options_.connect.version, code, properties));
  close();
}

std::optional<Packet> Client::take_kept(const std::function<bool(const Packet&)>& wanted) {
  auto found = std::find_if(kept_.begin(), kept_.end(), wanted);
  if (found == kept_.end()) return std::nullopt;
  Packet out = std::move(*found);
  kept_.erase(found);
  return out;
}

std::optional<Packet> Client::await_until(const std::function<bool(const Packet&)>& wanted, SteadyTime deadline) {
  if (std::optional<Packet> kept = take_kept(wanted)) return kept;
  while (std::optional<Packet> packet = next_from_wire(deadline)) {
    if (wanted(*packet)) return packet;
    kept_.push_back(std::move(*packet));
  }
  return std::nullopt;
}

std::optional<Packet> Client::try_read(Millis timeout) {
  return await_until([](const Packet&) { return true; }, deadline_of(timeout));
}

Packet Client::read(std::optional<Millis> timeout) {
  std::optional<Packet> packet = try_read(timeout.value_or(options_.timeout));
  if (!packet) fail(ClientError::Kind::timeout, "no packet came in time");
  return std::move(*packet);
}

Packet Client::expect(Type type, std::optional<Millis> timeout) {
  std::optional<Packet> packet = try_read(timeout.value_or(options_.timeout));
  if (!packet) fail(ClientError::Kind::timeout, std::string("no ") + name_of(type) + " came in time");
  if (packet->type != type) {
    fail(ClientError::Kind::protocol, std::string("expected ") + name_of(type) + ", got " + describe(*packet));
  }
  return std::move(*packet);
}

Packet Client::await(Type type, uint16_t pid, std::optional<Millis> timeout) {
  auto wanted = [type, pid](const Packet& packet) { return packet.type == type && (pid == 0 || packet.pid == pid); };
  std::optional<Packet> packet = await_until(wanted, deadline_of(timeout));
  if (!packet) {
    std::string which = pid == 0 ? "" : " for packet id " + std::to_string(pid);
    fail(ClientError::Kind::timeout, std::string("no ") + name_of(type) + which + " came in time");
  }
  return std::move(*packet);
}

void Client::finish_receive(const Packet& publish, SteadyTime deadline) {
  if (publish.qos() == 0) return;
  if (publish.qos() == 1) return send_ack(Type::puback, publish.pid);
  send_ack(Type::pubrec, publish.pid);
  auto wanted = [&publish](const Packet& packet) { return packet.type == Type::pubrel && packet.pid == publish.pid; };
  if (!await_until(wanted, deadline)) {
    fail(ClientError::Kind::timeout, "no PUBREL for packet id " + std::to_string(publish.pid) + " came in time");
  }
  send_ack(Type::pubcomp, publish.pid);
}

std::optional<Packet> Client::try_receive(Millis timeout) {
  auto wanted = [](const Packet& packet) { return packet.type == Type::publish; };
  std::optional<Packet> packet = await_until(wanted, deadline_of(timeout));
  // The handshake has the usual deadline: a short wait for a message must not cut it in two.
  if (packet) finish_receive(*packet, deadline_of({}));
  return packet;
}

Packet Client::receive(std::optional<Millis> timeout) {
  std::optional<Packet> packet = try_receive(timeout.value_or(options_.timeout));
  if (!packet) fail(ClientError::Kind::timeout, "no PUBLISH came in time");
  return std::move(*packet);
}

std::vector<Packet> Client::expect_closed(std::optional<Millis> timeout) {
  SteadyTime deadline = deadline_of(timeout);
  std::vector<Packet> seen(std::make_move_iterator(kept_.begin()), std::make_move_iterator(kept_.end()));
  kept_.clear();
  try {
    while (std::optional<Packet> packet = next_from_wire(deadline)) seen.push_back(std::move(*packet));
  } catch (const ClientError& error) {
    if (error.kind() != ClientError::Kind::closed) throw;
    close();
    return seen;
  }
  fail(ClientError::Kind::timeout, "the broker did not close the connection in time");
}

void Client::expect_quiet(Millis quiet) {
  if (std::optional<Packet> packet = try_read(quiet)) {
    fail(ClientError::Kind::protocol, "expected silence, got " + describe(*packet));
  }
}

void Client::expect_quiet_until_pingresp() {
  send(encode_pingreq());
  expect(Type::pingresp);
}

Packet connect_any(Client& client, const std::vector<Endpoint>& endpoints, Millis timeout) {
  SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  Millis own_timeout = client.options().timeout;
  std::string last = "no endpoint given";
  while (std::chrono::steady_clock::now() < deadline) {
    for (const Endpoint& endpoint : endpoints) {
      client.options().host = endpoint.host;
      client.options().port = endpoint.port;
      client.options().timeout = std::min(own_timeout, Millis(500));  // a stopped process accepts but never answers
      try {
        Packet connack = client.try_connect();
        client.options().timeout = own_timeout;
        if (connack.code() == 0) return connack;
        last = "refused: " + describe(connack);
      } catch (const ClientError& error) {
        last = error.what();
      }
      client.options().timeout = own_timeout;
    }
    ::poll(nullptr, 0, 5);  // a refused connect returns at once: do not spin
  }
  client.close();
  throw ClientError(ClientError::Kind::timeout,
                    "no endpoint accepted within " + std::to_string(timeout.count()) + " ms; last: " + last);
}

}  // namespace tandem::test
