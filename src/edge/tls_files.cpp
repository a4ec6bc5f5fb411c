#include "edge/tls_files.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <optional>

#include "base/limits.hpp"
#include "base/text_file.hpp"

namespace tandem::edge::tls_detail {

namespace {

template <class T, void (*free_one)(T*)>
struct Free {
  void operator()(T* one) const { free_one(one); }
};
using Certificate = std::unique_ptr<X509, Free<X509, X509_free>>;
using Revocations = std::unique_ptr<X509_CRL, Free<X509_CRL, X509_CRL_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES, GENERAL_NAMES_free>>;
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

// Error: path, what is wrong, what to do.
Result<FileText> read_tls_file(const std::string& path) {
  FileText file = read_file(path, limits::max_tls_file_bytes);
  if (!file.opened) {
    return Error{path + ": cannot be opened: " + file.reason() +
                 (file.error == EACCES ? "; the user that tandemd runs as must be able to read it" : "")};
  }
  if (!file.ok()) return Error{path + ": cannot be read: " + file.reason()};
  if (!S_ISREG(file.mode)) return Error{path + ": cannot be read: it is no regular file"};
  if (file.larger) return Error{path + ": larger than 4 MiB; this is no file of certificates"};
  return file;
}

// Seconds since 1970 UTC; what cannot be read has expired.
std::int64_t seconds(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return ::timegm(&parts);
}

Bio bio_of(const FileText& file) {
  return Bio(BIO_new_mem_buf(file.text.data(), static_cast<int>(file.text.size())));
}

// The end of a PEM file is an error of OpenSSL's, as a part that is broken is: this tells them apart.
bool at_end() {
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

Error broken(const std::string& path, const std::string& what) {
  return Error{path + ": " + what + " (" + last_reason() + ")"};
}

Result<std::vector<Certificate>> read_certificates(const std::string& path, std::vector<TlsExpiry>& expiries) {
  Result<FileText> file = read_tls_file(path);
  if (!file.ok()) return file.error();
  ERR_clear_error();
  const Bio bio = bio_of(file.value());
  std::vector<Certificate> all;
  while (Certificate one{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) all.push_back(std::move(one));
  if (!at_end()) return broken(path, "certificate " + std::to_string(all.size() + 1) + " in it cannot be read");
  if (all.empty()) {
    return Error{path + ": has no certificate; PEM is needed (\"-----BEGIN CERTIFICATE-----\")"};
  }
  std::int64_t earliest_s = seconds(X509_get0_notAfter(all.front().get()));
  for (const Certificate& one : all) earliest_s = std::min(earliest_s, seconds(X509_get0_notAfter(one.get())));
  expiries.push_back({path, earliest_s, false});
  return all;
}

// A key with a pass phrase: nobody is there to type it.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

std::string last_reason() {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

Status use_certificate(ssl_ctx_st* context, const std::string& path, std::vector<TlsExpiry>& expiries) {
  Result<std::vector<Certificate>> read = read_certificates(path, expiries);
  if (!read.ok()) return read.error();
  bool first = true;
  for (Certificate& one : read.value()) {
    const bool used =
        first ? SSL_CTX_use_certificate(context, one.get()) == 1 : SSL_CTX_add1_chain_cert(context, one.get()) == 1;
    if (!used) return broken(path, "a certificate in it cannot be used");
    first = false;
  }
  return {};
}

Status use_key(ssl_ctx_st* context, const std::string& path, const std::string& cert_file) {
  Result<FileText> file = read_tls_file(path);
  if (!file.ok()) return file.error();
  if ((file.value().mode & 0027U) != 0) {
    OPENSSL_cleanse(file.value().text.data(), file.value().text.size());
    return Error{path +
                 ": others than its owner and group may read this secret key, or its group may change it; chown root:" +
                 "tandem and chmod 0640 it (or 0600 for the user that tandemd runs as)"};
  }
  ERR_clear_error();
  bool asked = false;
  const Key key(PEM_read_bio_PrivateKey(bio_of(file.value()).get(), nullptr, no_passphrase, &asked));
  OPENSSL_cleanse(file.value().text.data(), file.value().text.size());
  if (asked) {
    ERR_clear_error();
    return Error{path + ": the key has a pass phrase; `openssl pkey -in FILE -out NEW` takes it off"};
  }
  if (!key) return broken(path, "has no secret key; PEM is needed (\"-----BEGIN PRIVATE KEY-----\")");
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) {
    ERR_clear_error();
    return Error{path + ": is not the key of the certificate in " + cert_file +
                 "; the two files must be of one pair, the listener's own certificate first"};
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return broken(path, "the key cannot be used");
  return {};
}

std::vector<std::string> dns_names(const ssl_ctx_st* context) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(SSL_CTX_get0_certificate(context), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int kind = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &kind);
    if (kind != GEN_DNS) continue;
    const auto* const text = static_cast<const ASN1_STRING*>(value);
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return names;
}

Status use_client_ca(ssl_ctx_st* context, const std::string& path, std::vector<TlsExpiry>& expiries) {
  Result<std::vector<Certificate>> read = read_certificates(path, expiries);
  if (!read.ok()) return read.error();
  for (Certificate& one : read.value()) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get()) != 1 ||
        SSL_CTX_add_client_CA(context, one.get()) != 1) {
      return broken(path, "a certificate in it cannot be used");
    }
  }
  return {};
}

void share_client_ca(ssl_ctx_st* from, ssl_ctx_st* to) {
  SSL_CTX_set1_cert_store(to, SSL_CTX_get_cert_store(from));
  const STACK_OF(X509_NAME)* const names = SSL_CTX_get_client_CA_list(from);
  if (names != nullptr) SSL_CTX_set_client_CA_list(to, SSL_dup_CA_list(names));
}

Status use_client_crl(ssl_ctx_st* context, const std::string& path, std::vector<TlsExpiry>& expiries) {
  Result<FileText> file = read_tls_file(path);
  if (!file.ok()) return file.error();
  ERR_clear_error();
  const Bio bio = bio_of(file.value());
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  std::optional<std::int64_t> earliest_s;
  bool any = false;
  while (Revocations one{PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_crl(store, one.get()) != 1) return broken(path, "a list in it cannot be used");
    any = true;
    const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(one.get());
    if (next != nullptr) earliest_s = std::min(earliest_s.value_or(seconds(next)), seconds(next));
  }
  if (!at_end()) return broken(path, "a revocation list in it cannot be read");
  if (!any) return Error{path + ": has no revocation list; PEM is needed (\"-----BEGIN X509 CRL-----\")"};
  if (earliest_s) expiries.push_back({path, *earliest_s, true});
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

}  // namespace tandem::edge::tls_detail
