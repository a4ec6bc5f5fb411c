// TLS on one socket: what recv() and send() are to a plain connection, with the same answers, and the handshake before.
// It does not own the socket. After the handshake it may belong to another thread, but only to one at a time.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

struct ssl_st;

namespace tandem::edge {

class TlsSession {
 public:
  enum class Handshake : std::uint8_t { done, wants_read, wants_write, failed };

  // Takes what TlsContext::new_session() made.
  TlsSession(ssl_st* session, int fd);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Handshake shake_hands();
  // Of one that failed, for a person: in OpenSSL's words, nothing of the client's in it.
  std::string why_failed() const { return why_failed_; }
  const ssl_st* get() const { return session_.get(); }
  // After the handshake: those that vouched for the client's certificate give their memory back.
  void forget_chain();

  // Up to `size` bytes, as recv() does: 0: the end; -1 and errno: EAGAIN if there is nothing now, else it is broken.
  ssize_t read(char* buffer, std::size_t size);
  // The last read() did not come to an end of what there was: the next one is worth it although the socket does not
  // become readable for it.
  bool has_more() const { return has_more_; }
  // read() said EAGAIN because something must be written first (the answer to a KeyUpdate).
  bool read_wants_write() const { return read_wants_write_; }
  // As send(). After EAGAIN the next call has the same bytes in front, wherever they lie then.
  ssize_t write(const char* bytes, std::size_t size);
  // close_notify. False: the socket takes nothing now.
  bool say_end();

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  static int outcome_of(int error);

  std::unique_ptr<ssl_st, Free> session_;
  std::string why_failed_;
  bool has_more_ = false;
  bool read_wants_write_ = false;
};

}  // namespace tandem::edge
