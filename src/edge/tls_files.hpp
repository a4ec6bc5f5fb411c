// The PEM files of a TLS listener into a context of OpenSSL's. Each error names the file and says what to do.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "edge/tls_context.hpp"

namespace tandem::edge::tls_detail {

Status use_certificate(ssl_ctx_st* context, const std::string& file, std::vector<TlsExpiry>& expiries);
// Refuses a key that others may read. After use_certificate(): the key must be that of the certificate.
Status use_key(ssl_ctx_st* context, const std::string& file, const std::string& cert_file);
// The DNS names among its certificate's subjectAltName.
std::vector<std::string> dns_names(const ssl_ctx_st* context);
Status use_client_ca(ssl_ctx_st* context, const std::string& file, std::vector<TlsExpiry>& expiries);
// After use_client_ca(). From then on each authority below the root must have a list here.
Status use_client_crl(ssl_ctx_st* context, const std::string& file, std::vector<TlsExpiry>& expiries);
// What the two above have read, for a second context.
void share_client_ca(ssl_ctx_st* from, ssl_ctx_st* to);

// Why the last call of OpenSSL's in this thread failed; empties its queue of errors.
std::string last_reason();

}  // namespace tandem::edge::tls_detail
