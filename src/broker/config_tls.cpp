// The keys of a listener that are about TLS.
#include "broker/config_tables.hpp"

namespace tandem::config_detail {

namespace {

using edge::ClientCertificate;
using edge::TlsOptions;
using edge::TlsVersion;
using edge::UserNameFrom;

constexpr std::size_t most_key_pairs = 100;

void check_absolute(TableReader& reader, std::string_view key, const std::string& file) {
  if (!file.empty() && file.front() != '/')
    reader.reject(key, "\"" + file + "\" is no absolute path; allowed: such as \"/etc/tandem/tls/server.pem\"");
}

void read_file_name(TableReader& reader, std::string_view key, std::string& file) {
  reader.read_text(key, file);
  check_absolute(reader, key, file);
}

void read_file_names(TableReader& reader, std::string_view key, std::vector<std::string>& files) {
  reader.read_texts(key, files, most_key_pairs);
  for (const std::string& file : files) check_absolute(reader, key, file);
}

// Certificates and keys: one of each, or lists of the same length.
void read_key_pairs(TableReader& reader, TlsOptions& tls) {
  std::vector<std::string> certs;
  std::vector<std::string> keys;
  read_file_names(reader, "cert_file", certs);
  read_file_names(reader, "key_file", keys);
  if (reader.has("cert_file") && reader.has("key_file") && certs.size() != keys.size()) {
    reader.reject("key_file", "is for " + std::to_string(keys.size()) + " of the " + std::to_string(certs.size()) +
                                  " in cert_file; allowed: one key for each certificate, in the same order");
    return;
  }
  for (std::size_t i = 0; i < certs.size() && i < keys.size(); ++i) tls.key_pairs.push_back({certs[i], keys[i]});
}

// Which of these there may be only because there is another one.
void check_together(TableReader& reader, const TlsOptions& tls) {
  if (tls.client_ca_file.empty()) {
    for (const std::string_view key : {"client_cert", "client_crl_file", "username_from"}) {
      if (reader.has(key)) reader.reject(key, "is of no use here; allowed: with client_ca_file only");
    }
  }
  if (tls.client_certificate == ClientCertificate::none && tls.username_from != UserNameFrom::connect) {
    reader.reject("username_from",
                  "no client shows a certificate; allowed: with client_cert = \"required\" or "
                  "\"optional\"");
  }
}

}  // namespace

void read_tls(TableReader& reader, ListenerConfig& listener) {
  TlsOptions tls;
  read_key_pairs(reader, tls);
  read_file_name(reader, "client_ca_file", tls.client_ca_file);
  read_file_name(reader, "client_crl_file", tls.client_crl_file);
  if (!tls.client_ca_file.empty()) tls.client_certificate = ClientCertificate::required;
  reader.read_choice("client_cert", tls.client_certificate,
                     {{"none", ClientCertificate::none},
                      {"optional", ClientCertificate::optional},
                      {"required", ClientCertificate::required}});
  reader.read_choice("username_from", tls.username_from,
                     {{"connect", UserNameFrom::connect},
                      {"subject_cn", UserNameFrom::subject_cn},
                      {"san_dns", UserNameFrom::san_dns},
                      {"san_email", UserNameFrom::san_email},
                      {"san_uri", UserNameFrom::san_uri}});
  reader.read_choice("tls_min_version", tls.min_version, {{"1.2", TlsVersion::v1_2}, {"1.3", TlsVersion::v1_3}});
  if (!reader.has("cert_file")) {
    for (const std::string_view key :
         {"key_file", "client_ca_file", "client_crl_file", "client_cert", "username_from", "tls_min_version"}) {
      if (reader.has(key)) reader.reject(key, "is of no use here; allowed: with cert_file only (TLS)");
    }
    return;
  }
  reader.require("key_file", "the absolute path of the certificate's secret key");
  check_together(reader, tls);
  listener.tls = std::move(tls);
}

}  // namespace tandem::config_detail
