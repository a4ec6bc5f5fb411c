// What TLS needs of one listener: its certificates and keys, whose client certificates it takes, and what of them
// becomes the user name. Made of files, once; TlsCertificates (tls_certificates.hpp) makes a new one at each reload.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "edge/server_names.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace tandem::edge {

enum class ClientCertificate : std::uint8_t { none, optional, required };
// Where a client's user name comes from: its CONNECT, or its certificate: the subject's common name, or the first name
// of a kind among the subject's alternative names.
enum class UserNameFrom : std::uint8_t { connect, subject_cn, san_dns, san_email, san_uri };
enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

struct TlsKeyPair {
  std::string cert_file;  // PEM: the listener's own certificate, then those between it and the root
  std::string key_file;   // PEM
  friend bool operator==(const TlsKeyPair&, const TlsKeyPair&) = default;
};

struct TlsOptions {
  // A client gets the first pair that has the server name it asks for among its DNS names; if none has, or it asks for
  // none, the first of all. At least one.
  std::vector<TlsKeyPair> key_pairs;
  std::string client_ca_file = {};
  std::string client_crl_file = {};
  ClientCertificate client_certificate = ClientCertificate::none;
  UserNameFrom username_from = UserNameFrom::connect;
  TlsVersion min_version = TlsVersion::v1_2;
};

// Until when what a file holds is valid: the earliest of its certificates, or of its revocation lists.
struct TlsExpiry {
  std::string file;
  std::int64_t expires_s = 0;  // since 1970 UTC
  bool revocations = false;    // a revocation list: its next update
};

class TlsContext {
 public:
  // Error: which file, what is wrong with it, what to do.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsOptions& options);

  // A server's side of a new connection without a socket yet; null: out of memory. It may outlive the context.
  ssl_st* new_session() const;
  UserNameFrom username_from() const { return username_from_; }
  const std::vector<TlsExpiry>& expiries() const { return expiries_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  TlsContext() = default;
  Status use_files(const TlsOptions& options);
  Status add_key_pair(const TlsKeyPair& pair, const TlsOptions& options);
  static int choose(ssl_st* session, int* alert, void* self);

  // One for each key pair; they differ in nothing else. A session begins with the first.
  std::vector<std::unique_ptr<ssl_ctx_st, Free>> contexts_;
  ServerNames names_;  // of the key pairs
  UserNameFrom username_from_ = UserNameFrom::connect;
  std::vector<TlsExpiry> expiries_;
};

// The user name that the client's certificate proves: empty if it showed none, or none is asked of it. Nothing: the
// certificate has no such name, or one that is none for a user (more than one common name, bytes that are no UTF-8).
std::optional<std::string> certificate_user(const ssl_st* session, UserNameFrom from);

}  // namespace tandem::edge
