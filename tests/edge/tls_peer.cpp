#include "tls_peer.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace tandem::edge::test {

void TlsPeer::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}
void TlsPeer::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsPeer::TlsPeer(Harness& harness, const PeerOptions& options)
    : harness_(harness),
      piece_bytes_(options.piece_bytes),
      before_(options.before),
      socket_(options.port == 0 ? harness.port() : options.port, options.receive_buffer_bytes),
      context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_security_level(context, 0);  // also what the edge must refuse
  SSL_CTX_set_min_proto_version(context, options.version);
  SSL_CTX_set_max_proto_version(context, options.version);
  if (!options.suites.empty()) CHECK(SSL_CTX_set_cipher_list(context, options.suites.c_str()) == 1);
  if (!options.certificate.empty()) {
    CHECK(SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  session_.reset(SSL_new(context));
  SSL_set_bio(session_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(session_.get());
  if (!options.server_name.empty()) {
    CHECK(SSL_set_tlsext_host_name(session_.get(), options.server_name.c_str()) == 1);
  }
}

TlsPeer::~TlsPeer() = default;

std::string TlsPeer::take_output() {
  BIO* const output = SSL_get_wbio(session_.get());
  std::string bytes(BIO_ctrl_pending(output), '\0');
  if (!bytes.empty()) BIO_read(output, bytes.data(), static_cast<int>(bytes.size()));
  return std::exchange(before_, {}) + bytes;
}

void TlsPeer::send_raw(ByteView bytes) {
  while (!bytes.empty()) {
    const ByteView piece = bytes.substr(0, piece_bytes_ == 0 ? bytes.size() : piece_bytes_);
    std::size_t sent = 0;
    CHECK(harness_.run_until([&] {
      sent += socket_.send_some(piece.substr(sent));
      return sent == piece.size();
    }));
    if (piece_bytes_ != 0) harness_.turn();
    bytes.remove_prefix(piece.size());
  }
}

bool TlsPeer::step() {
  poll();
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result != 1 && SSL_get_error(session_.get(), result) != SSL_ERROR_WANT_READ) failed_ = true;
  if (const std::string bytes = take_output(); !bytes.empty()) send_raw(bytes);
  if (result == 1) suite_ = SSL_get_cipher_name(session_.get());
  return result == 1;
}

bool TlsPeer::shake_hands() {
  bool done = false;
  const bool over = harness_.run_until([&] { return (done = step()) || failed_ || ended(); });
  CHECK(over);
  return done;
}

std::string TlsPeer::sealed(ByteView plain) {
  CHECK(SSL_write(session_.get(), plain.data(), static_cast<int>(plain.size())) == static_cast<int>(plain.size()));
  return take_output();
}

void TlsPeer::ask_key_update() {
  CHECK(SSL_key_update(session_.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
  CHECK(SSL_do_handshake(session_.get()) == 1);
  send_raw(take_output());
}

void TlsPeer::ask_renegotiation() {
  CHECK(SSL_renegotiate(session_.get()) == 1);
  step();
}

std::string TlsPeer::close_notify() {
  SSL_shutdown(session_.get());
  return take_output();
}

void TlsPeer::poll() {
  socket_.poll();
  const ByteView fresh = ByteView(socket_.received()).substr(taken_);
  if (!fresh.empty()) BIO_write(SSL_get_rbio(session_.get()), fresh.data(), static_cast<int>(fresh.size()));
  taken_ += fresh.size();
  if (SSL_is_init_finished(session_.get()) == 0) return;
  char buffer[16'384];
  ERR_clear_error();
  for (int count = 0; (count = SSL_read(session_.get(), buffer, sizeof buffer)) > 0;) {
    received_.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string TlsPeer::server() const {
  const X509* const shown = SSL_get0_peer_certificate(session_.get());
  char name[256] = "";
  if (shown != nullptr) X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
  return name;
}

bool TlsPeer::heard_close_notify() const {
  return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

}  // namespace tandem::edge::test
