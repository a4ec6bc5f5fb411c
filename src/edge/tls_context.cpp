// Context and its rules; tls_files.cpp reads the files. Only TLS 1.2 with AEAD suites and 1.3; nothing is resumed: each
// connection proves anew who it is, and no session costs memory after its end.
#include "edge/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.hpp"
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
  CHECK(!options.key_pairs.empty());
  std::shared_ptr<TlsContext> made(new TlsContext());
  made->username_from_ = options.username_from;
  if (Status used = made->use_files(options); !used.ok()) return used.error();
  SSL_CTX* const first = made->contexts_.front().get();
  SSL_CTX_set_verify(first, verify_mode(options.client_certificate), nullptr);
  if (made->contexts_.size() > 1) {
    SSL_CTX_set_tlsext_servername_callback(first, choose);
    SSL_CTX_set_tlsext_servername_arg(first, made.get());
  }
  return std::shared_ptr<const TlsContext>(std::move(made));
}

Status TlsContext::use_files(const TlsOptions& options) {
  for (const TlsKeyPair& pair : options.key_pairs) {
    if (Status added = add_key_pair(pair, options); !added.ok()) return added;
  }
  SSL_CTX* const first = contexts_.front().get();
  if (!options.client_ca_file.empty()) {
    if (Status used = tls_detail::use_client_ca(first, options.client_ca_file, expiries_); !used.ok()) return used;
  }
  if (!options.client_crl_file.empty()) {
    if (Status used = tls_detail::use_client_crl(first, options.client_crl_file, expiries_); !used.ok()) return used;
  }
  for (std::size_t i = 1; i < contexts_.size(); ++i) tls_detail::share_client_ca(first, contexts_[i].get());
  return {};
}

Status TlsContext::add_key_pair(const TlsKeyPair& pair, const TlsOptions& options) {
  ERR_clear_error();
  const std::size_t place = contexts_.size();
  contexts_.emplace_back(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = contexts_.back().get();
  if (context == nullptr || !set_rules(context, options)) {
    return Error{"TLS cannot be set up: " + tls_detail::last_reason()};
  }
  if (Status used = tls_detail::use_certificate(context, pair.cert_file, expiries_); !used.ok()) return used;
  if (Status used = tls_detail::use_key(context, pair.key_file, pair.cert_file); !used.ok()) return used;
  const std::vector<std::string> names = tls_detail::dns_names(context);
  if (names.empty() && place != 0) {
    return Error{pair.cert_file +
                 ": its certificate has no DNS name (subjectAltName), so no client would get it; only the first one of "
                 "a listener needs none"};
  }
  for (const std::string& name : names) names_.add(name, place);
  return {};
}

// As soon as the client's first message is read. `self` lives until the handshake is done; what is chosen here lives as
// long as its session.
int TlsContext::choose(ssl_st* session, int* /*alert*/, void* self) {
  const auto& context = *static_cast<const TlsContext*>(self);
  const char* const asked = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const std::optional<std::size_t> place = context.names_.place_of(asked);
  if (!place) return SSL_TLSEXT_ERR_NOACK;  // the first one: most clients look at no name, or ask for an address
  return SSL_set_SSL_CTX(session, context.contexts_[*place].get()) != nullptr ? SSL_TLSEXT_ERR_OK
                                                                              : SSL_TLSEXT_ERR_ALERT_FATAL;
}

ssl_st* TlsContext::new_session() const {
  return SSL_new(contexts_.front().get());
}

}  // namespace tandem::edge
