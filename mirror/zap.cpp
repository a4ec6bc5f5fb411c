// The ZAP handler's thread.
#include "mirror/zap.hpp"

#include <algorithm>
#include <array>

#include "base/printable.hpp"
#include "base/thread.hpp"

namespace tandem::mirror {

namespace {

constexpr std::size_t raw_key_bytes = 32;
constexpr auto refusal_told_for = std::chrono::seconds(10);
constexpr std::size_t address_part = 3;
constexpr std::size_t credential_part = 6;  // version, request id, domain, address, routing id, mechanism, credentials

std::string raw_key(const std::string& z85) {
  std::array<std::uint8_t, raw_key_bytes> raw{};
  if (z85.size() != raw_key_bytes * 5 / 4 || zmq_z85_decode(raw.data(), z85.c_str()) == nullptr) return {};
  return std::string(raw.begin(), raw.end());
}

std::vector<std::string> receive_parts(zmq::socket_t& socket) {
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    zmq::message_t part;
    if (!socket.recv(part)) return {};
    more = part.more();
    parts.push_back(part.to_string());
  }
  return parts;
}

}  // namespace

std::vector<std::string> zap_answer(const std::vector<std::string>& question, const std::vector<std::string>& allowed) {
  const bool curve = question.size() == credential_part + 1 && question[2] == zap_domain && question[5] == "CURVE" &&
                     question[credential_part].size() == raw_key_bytes;
  const bool welcome = curve && std::find(allowed.begin(), allowed.end(), question[credential_part]) != allowed.end();
  const std::string id = question.size() > 1 ? question[1] : std::string();
  return {"1.0", id, welcome ? "200" : "400", welcome ? "OK" : "refused", "", ""};
}

ZapGuard::ZapGuard(zmq::context_t& context, const std::vector<std::string>& allowed_public_keys)
    : socket_(context, zmq::socket_type::rep) {
  allow(allowed_public_keys);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind("inproc://zeromq.zap.01");
  thread_ = start_thread("mirror-keys", Urgency::awaited, [this] { serve(); });
}

ZapGuard::~ZapGuard() {
  thread_.join();
}

void ZapGuard::allow(const std::vector<std::string>& public_keys) {
  const std::lock_guard lock(mutex_);
  allowed_.clear();
  for (const std::string& key : public_keys) allowed_.push_back(raw_key(key));
}

std::string ZapGuard::trouble() const {
  const std::lock_guard lock(mutex_);
  if (refused_.empty() || std::chrono::steady_clock::now() - refused_at_ > refusal_told_for) return {};
  return "mirror: " + refused_ +
         " was refused: it has another key than mirror.peer_public_key (a box of another pair, or a stranger)";
}

// Answers one handshake. False: the context is shut down. Nothing else may end the thread: libzmq lets everybody in
// when nobody answers for the domain.
bool ZapGuard::answer_one() {
  try {
    const std::vector<std::string> question = receive_parts(socket_);
    const std::vector<std::string> reply = judged(question);
    for (std::size_t i = 0; i < reply.size(); ++i) {
      const bool last = i + 1 == reply.size();
      socket_.send(zmq::buffer(reply[i]), last ? zmq::send_flags::none : zmq::send_flags::sndmore);
    }
  } catch (const zmq::error_t& error) {
    return error.num() != ETERM;
  }
  return true;
}

std::vector<std::string> ZapGuard::judged(const std::vector<std::string>& question) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> reply = zap_answer(question, allowed_);
  if (reply[2] == "200") return reply;
  // The first of several keeps its place: the sentence does not change with each.
  const auto now = std::chrono::steady_clock::now();
  if (refused_.empty() || now - refused_at_ > refusal_told_for)
    refused_ = question.size() > address_part && !question[address_part].empty() ? printable(question[address_part])
                                                                                 : "somebody";
  refused_at_ = now;
  return reply;
}

void ZapGuard::serve() {
  while (answer_one()) {
  }
  socket_.close();
}

}  // namespace tandem::mirror
