// A user's name out of a client's certificate.
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <utility>

#include "base/limits.hpp"
#include "edge/tls_context.hpp"
#include "mqtt/utf8.hpp"

namespace tandem::edge {

namespace {

// As UTF-8, whatever kind of string the certificate has; nothing: it is none, or none that a user may have.
std::optional<std::string> text_of(const ASN1_STRING* string) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, string);
  if (size < 0) return std::nullopt;
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  const bool good = !text.empty() && text.size() <= limits::max_certificate_user_bytes && mqtt::valid_utf8(text);
  return good ? std::optional(std::move(text)) : std::nullopt;
}

// Of several nobody knows which one was meant.
std::optional<std::string> common_name(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return std::nullopt;
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::optional<std::string> alternative_name(const X509* certificate, int kind) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return std::nullopt;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int found = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &found);
    if (found == kind) return text_of(static_cast<const ASN1_STRING*>(value));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> certificate_user(const ssl_st* session, UserNameFrom from) {
  const X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr) return std::string();
  switch (from) {
    case UserNameFrom::connect:
      return std::string();
    case UserNameFrom::subject_cn:
      return common_name(certificate);
    case UserNameFrom::san_dns:
      return alternative_name(certificate, GEN_DNS);
    case UserNameFrom::san_email:
      return alternative_name(certificate, GEN_EMAIL);
    case UserNameFrom::san_uri:
      return alternative_name(certificate, GEN_URI);
  }
  return std::nullopt;
}

}  // namespace tandem::edge
