// The ZAP handler's thread.
#include "mirror/zap.hpp"

#include <csignal>

#include <array>

namespace tandem::mirror {

namespace {

constexpr std::size_t raw_key_bytes = 32;
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

ZapGuard::ZapGuard(zmq::context_t& context, const std::vector<std::string>& allowed_public_keys)
    : socket_(context, zmq::socket_type::rep) {
  for (const std::string& key : allowed_public_keys) allowed_.push_back(raw_key(key));
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind("inproc://zeromq.zap.01");
  thread_ = std::thread([this] { serve(); });
}

ZapGuard::~ZapGuard() {
  thread_.join();
}

// Answers one handshake. False: the context is shut down. Nothing else may end the thread: libzmq lets everybody in
// when nobody answers for the domain.
bool ZapGuard::answer_one() {
  try {
    const std::vector<std::string> request = receive_parts(socket_);
    const bool curve = request.size() == credential_part + 1 && request[2] == zap_domain && request[5] == "CURVE";
    const bool welcome = curve && allowed(request[credential_part]);
    const std::string id = request.size() > 1 ? request[1] : std::string();
    const std::array<std::string, 6> reply = {"1.0", id, welcome ? "200" : "400", welcome ? "OK" : "refused", "", ""};
    for (std::size_t i = 0; i < reply.size(); ++i) {
      const bool last = i + 1 == reply.size();
      socket_.send(zmq::buffer(reply[i]), last ? zmq::send_flags::none : zmq::send_flags::sndmore);
    }
  } catch (const zmq::error_t& error) {
    return error.num() != ETERM;
  }
  return true;
}

bool ZapGuard::allowed(const std::string& key) const {
  bool found = false;
  for (const std::string& one : allowed_) found = found || (one.size() == raw_key_bytes && one == key);
  return found;
}

void ZapGuard::serve() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the core loop's
  while (answer_one()) {
  }
  socket_.close();
}

}  // namespace tandem::mirror
