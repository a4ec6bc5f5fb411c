// A TLS client whose bytes the test sends itself, whole or in pieces; independent of src/edge.
#pragma once

#include <memory>
#include <string>

#include "harness.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace tandem::edge::test {

struct PeerOptions {
  std::string certificate = {};  // NAME.pem; empty: none
  std::string key = {};
  int version = 0;              // the only one, such as TLS1_2_VERSION; 0: any
  std::string suites = {};      // of TLS 1.2; empty: OpenSSL's usual ones
  std::size_t piece_bytes = 0;  // of what is sent at once; 0: all
  int receive_buffer_bytes = 0;
  std::uint16_t port = 0;        // 0: of the edge's first listener
  std::string before = {};       // plain bytes that go ahead of the first record, with it
  std::string server_name = {};  // that it asks for; empty: none
};

class TlsPeer {
 public:
  explicit TlsPeer(Harness& harness, const PeerOptions& options = {});
  ~TlsPeer();
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  // Turns are run. False: it failed, or the edge has ended the connection.
  bool shake_hands();
  // One flight of it, if it is this side's turn; true: done.
  bool step();
  // As records: what goes over the wire.
  std::string sealed(ByteView plain);
  void send(ByteView plain) { send_raw(sealed(plain)); }
  void send_raw(ByteView bytes);
  void ask_key_update();
  void ask_renegotiation();  // TLS 1.2
  bool failed() const { return failed_; }
  std::string close_notify();
  // Takes what has come. The plain bytes are in received().
  void poll();
  const std::string& received() const { return received_; }
  bool heard_close_notify() const;
  bool ended() const { return socket_.ended() || socket_.broken(); }
  const std::string& suite() const { return suite_; }
  std::string server() const;  // the common name of the certificate that it was shown
  Client& socket() { return socket_; }

 private:
  std::string take_output();

  Harness& harness_;
  std::size_t piece_bytes_;
  std::string before_;
  Client socket_;
  std::size_t taken_ = 0;  // of what the socket has received
  struct Free {
    void operator()(ssl_st* session) const;
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_st, Free> session_;
  std::string received_;
  std::string suite_;
  bool failed_ = false;
};

}  // namespace tandem::edge::test
