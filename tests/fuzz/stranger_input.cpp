// Somebody at the mirror's port who is not the peer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "mirror/link.hpp"
#include "mirror/zap.hpp"
#include "tests/fuzz/connect.hpp"
#include "tests/fuzz/inputs.hpp"

namespace tandem::fuzz {

namespace {

using namespace mirror;

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

// The box that listens: its key is the higher one.
struct Listening {
  Listening() {
    KeyPair own = make_keys();
    KeyPair peer = make_keys();
    if (own.public_key < peer.public_key) std::swap(own, peer);
    const std::string here = "127.0.0.1:" + std::to_string(port);
    Result<std::unique_ptr<Link>> opened = open_link({own, {peer.public_key}, {here}, {here}});
    CHECK(opened.ok());
    link = opened.take();
    CHECK(link->troubles().empty());
  }
  const std::uint16_t port = free_port();
  std::unique_ptr<Link> link;
};

void examine_question(ByteReader in) {
  static const std::string key(32, 'k');
  std::vector<std::string> question;
  while (!in.at_end()) question.emplace_back(at_most(in, in.u8()));
  const std::vector<std::string> answer = zap_answer(question, {key});
  CHECK(answer.size() == 6 && answer[0] == "1.0");
  const bool welcome = answer[2] == "200";
  CHECK(welcome || answer[2] == "400");
  CHECK(!welcome || (question.size() == 7 && question[5] == "CURVE" && question[6] == key));
}

void examine_bytes(ByteView bytes) {
  static Listening box;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(box.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connect_to(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const linger reset{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  char some[256];
  (void)::recv(fd, some, sizeof some, 0);  // its greeting, or the end
  box.link->drain([](std::size_t, ByteView) { CHECK(false && "a frame of somebody without a key"); });
  ::close(fd);
}

}  // namespace

void examine_stranger(ByteView input) {
  ByteReader in(input);
  if ((in.u8() & 1U) == 0) return examine_question(in);
  examine_bytes(in.rest());
}

}  // namespace tandem::fuzz
