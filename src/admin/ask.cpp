#include "admin/ask.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/limits.hpp"
#include "base/unix_socket.hpp"

namespace tandem::admin {

namespace {

using Clock = std::chrono::steady_clock;
using Outcome = Answer::Outcome;

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

constexpr int backlog_retry_ms = 5;

bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Answer no_connection(const std::string& path, int error) {
  if (error == ENOENT) return {Outcome::not_there, "no socket at " + path};
  if (error == ECONNREFUSED) return {Outcome::not_there, path + " is left over from a tandemd that is gone"};
  if (error == EACCES) {
    return {Outcome::failed,
            path +
                ": you may not get to this socket; are you in the group tandem? sudo usermod -aG tandem $USER, "
                "then log in again"};
  }
  return {Outcome::failed, path + ": " + std::strerror(error)};
}

Answer cut_off(const std::string& path) {
  return {Outcome::failed, path + ": tandemd closed the connection"};
}
Answer no_answer(const std::string& path) {
  return {Outcome::failed, path + ": tandemd is there but does not answer"};
}

}  // namespace

Answer ask(const std::string& path, const std::string& request, std::int64_t timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  const auto address = unix_address(path);
  if (!address) return {Outcome::failed, "\"" + path + "\": a path of 1 to 107 bytes is needed"};
  const Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.fd < 0) return {Outcome::failed, std::string("no socket: ") + std::strerror(errno)};
  // A full backlog (EAGAIN) cannot be polled for: others ask at this moment, or the process is there and stopped.
  while (::connect(socket.fd, address->generic(), sizeof address->address) != 0) {
    if (errno != EAGAIN && errno != EINTR) return no_connection(path, errno);
    if (Clock::now() >= deadline) return no_answer(path);
    ::poll(nullptr, 0, backlog_retry_ms);
  }
  std::string unsent = request + "\n";
  while (!unsent.empty()) {
    if (!wait_for(socket.fd, POLLOUT, deadline)) return no_answer(path);
    const ssize_t count = ::send(socket.fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) break;  // refused, and it may say why
    if (count > 0) unsent.erase(0, static_cast<std::size_t>(count));
  }
  std::string reply;
  char piece[4096];
  while (reply.size() <= limits::control_reply_bytes) {
    if (!wait_for(socket.fd, POLLIN, deadline)) return no_answer(path);
    const ssize_t count = ::recv(socket.fd, piece, sizeof piece, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return cut_off(path);
    if (count > 0) reply.append(piece, static_cast<std::size_t>(count));
    if (const auto end = reply.find('\n'); end != std::string::npos) return {Outcome::answered, reply.substr(0, end)};
  }
  return {Outcome::failed, path + ": the answer is too long"};
}

}  // namespace tandem::admin
