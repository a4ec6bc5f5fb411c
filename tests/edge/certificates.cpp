#include "certificates.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/check.hpp"

namespace tandem::edge::test {

namespace {

struct Close {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Close>;

File write(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  CHECK(fd >= 0);
  return File(::fdopen(fd, "w"));
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* make(EVP_PKEY* key, const Wanted& wanted, long serial) {
  X509* const made = X509_new();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
  X509_gmtime_adj(X509_getm_notBefore(made), wanted.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(made), wanted.valid_until_s);
  X509_set_pubkey(made, key);
  for (const std::string& name : wanted.common_names) {
    X509_NAME_add_entry_by_NID(X509_get_subject_name(made), NID_commonName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1,
                               0);
  }
  return made;
}

void write_certificate(const std::string& path, X509* certificate) {
  CHECK(PEM_write_X509(write(path).get(), certificate) == 1);
}

}  // namespace

void Authority::Free::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}
void Authority::Free::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

Authority::Authority(const std::string& name) {
  char folder[] = "/tmp/tandem-certificates-XXXXXX";
  CHECK(::mkdtemp(folder) != nullptr);
  folder_ = folder;
  key_.reset(EVP_EC_gen("P-256"));
  CHECK(key_ != nullptr);
  own_.reset(make(key_.get(), {.common_names = {name}}, serial_++));
  X509_set_issuer_name(own_.get(), X509_get_subject_name(own_.get()));
  extend(own_.get(), own_.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(own_.get(), own_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  CHECK(X509_sign(own_.get(), key_.get(), EVP_sha256()) > 0);
  write_certificate(ca_file(), own_.get());
}

Authority::~Authority() {
  std::filesystem::remove_all(folder_);
}

void Authority::issue(const std::string& name, const Wanted& wanted) {
  const std::unique_ptr<evp_pkey_st, Free> key(EVP_EC_gen("P-256"));
  CHECK(key != nullptr);
  const std::unique_ptr<x509_st, Free> made(make(key.get(), wanted, serial_++));
  X509_set_issuer_name(made.get(), X509_get_subject_name(own_.get()));
  if (!wanted.alternative_names.empty()) {
    extend(made.get(), own_.get(), NID_subject_alt_name, wanted.alternative_names);
  }
  CHECK(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
  write_certificate(file(name + ".pem"), made.get());
  CHECK(PEM_write_PrivateKey(write(file(name + ".key")).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

void Authority::revoke(const std::vector<std::string>& names) {
  X509_CRL* const list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(own_.get()));
  ASN1_TIME* const now = X509_gmtime_adj(nullptr, 0);
  X509_CRL_set1_lastUpdate(list, now);
  ASN1_TIME* const tomorrow = X509_gmtime_adj(nullptr, 86'400);
  X509_CRL_set1_nextUpdate(list, tomorrow);
  for (const std::string& name : names) {
    const File from(std::fopen(file(name + ".pem").c_str(), "r"));
    const std::unique_ptr<x509_st, Free> one(PEM_read_X509(from.get(), nullptr, nullptr, nullptr));
    X509_REVOKED* const revoked = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(one.get()));
    X509_REVOKED_set_revocationDate(revoked, now);
    X509_CRL_add0_revoked(list, revoked);
  }
  CHECK(X509_CRL_sign(list, key_.get(), EVP_sha256()) > 0);
  CHECK(PEM_write_X509_CRL(write(file("crl.pem")).get(), list) == 1);
  ASN1_TIME_free(now);
  ASN1_TIME_free(tomorrow);
  X509_CRL_free(list);
}

}  // namespace tandem::edge::test
