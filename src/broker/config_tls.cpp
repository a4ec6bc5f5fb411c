// The keys of a listener that are about TLS.
#include "broker/config_tables.hpp"

namespace tandem::config_detail {

namespace {

using edge::ClientCertificate;
using edge::TlsOptions;
using edge::TlsVersion;
using edge::UserNameFrom;

void read_file_name(TableReader& reader, std::string_view key, std::string& file) {
  reader.read_text(key, file);
  if (!file.empty() && file.front() != '/')
    reader.reject(key, "\"" + file + "\" is no absolute path; allowed: such as \"/etc/tandem/tls/server.pem\"");
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
  read_file_name(reader, "cert_file", tls.cert_file);
  read_file_name(reader, "key_file", tls.key_file);
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
