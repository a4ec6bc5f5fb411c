// Context and its rules; tls_files.cpp reads the files. Only TLS 1.2 with AEAD suites and 1.3; nothing is resumed: each
// connection proves anew who it is, and no session costs memory after its end.
#include "edge/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "edge/tls_files.hpp"

namespace tandem::edge {

namespace {

constexpr const char* suites_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

constexpr long most_chain_bytes = 32 * 1024;  // of a client's certificates

bool set_rules(SSL_CTX* context, const TlsOptions& options) {
  const int least = options.min_version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  // A client whose end of stream comes without close_notify has said all the same what it said: MQTT knows its own
  // ends.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  // An idle connection has no record buffers; the bytes to write lie in a buffer that may move and grow meanwhile.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_max_cert_list(context, most_chain_bytes);
  return SSL_CTX_set_min_proto_version(context, least) == 1 && SSL_CTX_set_cipher_list(context, suites_1_2) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1;
}

int verify_mode(ClientCertificate wanted) {
  switch (wanted) {
    case ClientCertificate::none:
      return SSL_VERIFY_NONE;
    case ClientCertificate::optional:
      return SSL_VERIFY_PEER;
    case ClientCertificate::required:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_NONE;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsOptions& options) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext());
  made->context_.reset(SSL_CTX_new(TLS_server_method()));
  if (!made->context_ || !set_rules(made->context_.get(), options)) {
    return Error{"TLS cannot be set up: " + tls_detail::last_reason()};
  }
  made->username_from_ = options.username_from;
  if (Status used = made->use_files(options); !used.ok()) return used.error();
  SSL_CTX_set_verify(made->context_.get(), verify_mode(options.client_certificate), nullptr);
  return std::shared_ptr<const TlsContext>(std::move(made));
}

Status TlsContext::use_files(const TlsOptions& options) {
  SSL_CTX* const context = context_.get();
  if (Status used = tls_detail::use_certificate(context, options.cert_file, expiries_); !used.ok()) return used;
  if (Status used = tls_detail::use_key(context, options.key_file, options.cert_file); !used.ok()) return used;
  if (!options.client_ca_file.empty()) {
    if (Status used = tls_detail::use_client_ca(context, options.client_ca_file, expiries_); !used.ok()) return used;
  }
  if (options.client_crl_file.empty()) return {};
  return tls_detail::use_client_crl(context, options.client_crl_file, expiries_);
}

ssl_st* TlsContext::new_session() const {
  return SSL_new(context_.get());
}

}  // namespace tandem::edge
