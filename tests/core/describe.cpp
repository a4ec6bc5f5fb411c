// State as text, for comparison and for a person who looks for the difference.
#include <map>
#include <sstream>

#include "world.hpp"

namespace tandem::core::test {

namespace {

void describe_message(std::ostream& out, const MessageRef& message) {
  if (!message) {
    out << "-";
    return;
  }
  const MessageView v = message->view();
  out << "#" << message->id() << "(" << v.topic << "|" << v.properties << "|" << v.payload << "|"
      << static_cast<int>(v.qos) << v.retain << "|" << v.published_at.ms << "+" << v.expiry_s << ")";
}

void describe_queue(std::ostream& out, const Session& s) {
  const Queue& q = s.queue;
  out << " queue " << q.head() << "/" << q.cursor() << "/" << q.tail() << " in flight " << q.in_flight() << " bytes "
      << q.bytes() << "\n";
  for (Sequence at = q.head(); at < q.tail(); ++at) {
    const QueueEntry& e = q.at(at);
    out << "  " << at << " qos" << static_cast<int>(e.qos) << (e.retain ? " retain" : "") << (e.sent ? " sent" : "")
        << (e.in_flight ? " in_flight" : "") << (e.released ? " released" : "") << (e.done ? " done " : " ");
    describe_message(out, e.message);
    for (const std::uint32_t identifier : q.identifiers(at)) out << " id" << identifier;
    out << "\n";
  }
}

void describe_session(std::ostream& out, const Session& s) {
  out << "session " << s.id << " " << s.client_id << " " << s.username << (s.connected ? " connected" : "") << " v"
      << static_cast<int>(s.version) << " keep_alive " << s.keep_alive_s << " expiry " << s.expiry_s << " at "
      << (s.connected ? 0 : s.expires_at.ms) << " window " << s.receive_maximum << " packet " << s.max_packet_bytes
      << " limits " << s.max_queue_messages << "/" << s.max_queue_bytes << "/" << static_cast<int>(s.queue_policy)
      << "\n held";
  for (const std::uint16_t id : s.held_ids) out << " " << id;
  out << "\n";
  for (const auto& [filter, sub] : s.subscriptions) {
    out << " " << filter << " qos" << static_cast<int>(sub.options.qos) << (sub.options.no_local ? " no_local" : "")
        << (sub.options.retain_as_published ? " rap" : "") << " rh" << static_cast<int>(sub.options.retain_handling)
        << " id" << sub.identifier << " joined " << sub.joined << (sub.shared() ? " shared" : "") << "\n";
  }
  describe_queue(out, s);
}

}  // namespace

std::string describe(const State& state) {
  std::ostringstream out;
  const Globals& g = state.globals();
  out << "epoch " << g.epoch.number << "/" << g.epoch.node.value << "/" << g.epoch.store << " next " << g.next_session
      << " " << g.next_joined << " messages " << state.messages().count() << " of " << state.messages().bytes()
      << " bytes, queued " << state.queued_messages() << ", sessions " << state.durable_sessions() << "\n";
  for (const auto& [epoch, merged] : g.merged) {
    out << "merged " << epoch.number << "/" << epoch.node.value << "/" << epoch.store << " " << merged.lsn.value << "."
        << merged.index << "\n";
  }
  std::map<SessionId, const Session*> sessions;
  for (const auto& [id, session] : state.sessions()) {
    if (session->durable) sessions[id] = session.get();
  }
  for (const auto& [id, session] : sessions) describe_session(out, *session);
  for (const auto& [topic, retained] : state.retained()) {
    out << "retained " << topic << " ";
    describe_message(out, retained.message);
    out << "\n";
  }
  for (const auto& [client_id, will] : state.wills()) {
    out << "will " << client_id << " ";
    describe_message(out, will.message);
    out << " delay " << will.delay_s << " keep_alive " << will.keep_alive_s << (will.connected ? " connected" : "")
        << (will.grace ? " grace" : "") << " at " << (will.connected ? 0 : will.fires_at.ms) << "\n";
  }
  for (const auto& [name, user] : state.access().users()) {
    out << "user " << name << " " << user.password_hash << " " << user.scram;
    for (const std::string& pattern : user.client_ids) out << " client " << pattern;
    out << "\n";
  }
  for (const auto& [name, set] : state.access().sets()) {
    out << "rules " << static_cast<int>(name.owner) << " " << name.name;
    for (const Rule& rule : set.rules) out << " " << static_cast<int>(rule.right) << ":" << rule.filter;
    out << "\n";
  }
  return out.str();
}

}  // namespace tandem::core::test
