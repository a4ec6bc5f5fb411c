#include "edge/tls_session.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/check.hpp"

namespace tandem::edge {

namespace {

constexpr std::size_t largest_record_bytes = SSL3_RT_MAX_PLAIN_LENGTH;

// ---- The socket as OpenSSL sees it; its own socket BIO would have SIGPIPE end the process. ----

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool try_again(ssize_t count) {
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

int read_socket(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::recv(fd_of(bio), buffer, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (try_again(count)) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}

int write_socket(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (try_again(count)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long control_socket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    CHECK(made != nullptr);
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_ctrl(made, control_socket);
    return made;
  }();
  return method;
}

std::string reason(const SSL* session, int error) {
  const long verified = SSL_get_verify_result(session);
  if (verified != X509_V_OK) return std::string("client certificate: ") + X509_verify_cert_error_string(verified);
  if (error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL) return "the client closed the connection";
  const unsigned long code = ERR_peek_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return "the client closed the connection";
  }
  const char* const text = ERR_reason_error_string(code);
  return text != nullptr ? text : "error " + std::to_string(code);
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}

TlsSession::TlsSession(ssl_st* session, int fd) : session_(session) {
  BIO* const bio = BIO_new(socket_method());
  CHECK(session != nullptr && bio != nullptr);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session, bio, bio);
  SSL_set_accept_state(session);
}

TlsSession::Handshake TlsSession::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) return Handshake::done;
  const int error = SSL_get_error(session_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Handshake::wants_read;
  if (error == SSL_ERROR_WANT_WRITE) return Handshake::wants_write;
  why_failed_ = reason(session_.get(), error);
  ERR_clear_error();
  return Handshake::failed;
}

// OpenSSL keeps the whole chain as long as the session; its stacks are emptied. The client's own certificate stays.
void TlsSession::forget_chain() {
  for (STACK_OF(X509)* const chain :
       {SSL_get_peer_cert_chain(session_.get()), SSL_get0_verified_chain(session_.get())}) {
    if (chain == nullptr) continue;
    while (X509* const one = sk_X509_pop(chain)) X509_free(one);
  }
}

// -1 with errno, or 0 at the end.
int TlsSession::outcome_of(int error) {
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
  return -1;
}

// A record at a time; a full one is likely to be followed by another.
ssize_t TlsSession::read(char* buffer, std::size_t size) {
  read_wants_write_ = false;
  has_more_ = true;
  std::size_t total = 0;
  while (total < size) {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(session_.get(), buffer + total, size - total, &count);
    if (result != 1) {
      const int error = SSL_get_error(session_.get(), result);
      const int outcome = outcome_of(error);
      read_wants_write_ = error == SSL_ERROR_WANT_WRITE;
      has_more_ = outcome == 0 || errno != EAGAIN;
      return total > 0 ? static_cast<ssize_t>(total) : outcome;
    }
    total += count;
    has_more_ = SSL_has_pending(session_.get()) != 0;
    if (count < largest_record_bytes && !has_more_) break;
  }
  return static_cast<ssize_t>(total);
}

ssize_t TlsSession::write(const char* bytes, std::size_t size) {
  std::size_t total = 0;
  while (total < size) {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(session_.get(), bytes + total, size - total, &count);
    if (result != 1) {
      const int outcome = outcome_of(SSL_get_error(session_.get(), result));
      if (outcome == 0) errno = EPIPE;
      return total > 0 ? static_cast<ssize_t>(total) : -1;
    }
    total += count;
  }
  return static_cast<ssize_t>(total);
}

bool TlsSession::say_end() {
  ERR_clear_error();
  const int result = SSL_shutdown(session_.get());
  if (result >= 0) return true;
  const int error = SSL_get_error(session_.get(), result);
  ERR_clear_error();
  return error != SSL_ERROR_WANT_WRITE;
}

}  // namespace tandem::edge
