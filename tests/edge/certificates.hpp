// Certificates for tests, made of keys that are gone afterwards: an authority, and what it signs, as PEM files in a
// folder that goes with the object.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace tandem::edge::test {

struct Wanted {
  std::vector<std::string> common_names = {"client"};
  std::string alternative_names = {};  // "DNS:a,email:b,URI:c"; empty: none
  long valid_from_s = -60;             // from now
  long valid_until_s = 86'400;
};

class Authority {
 public:
  explicit Authority(const std::string& name = "Test CA");
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string ca_file() const { return file("ca.pem"); }
  // NAME.pem and NAME.key; replaces what is there.
  void issue(const std::string& name, const Wanted& wanted = {});
  // crl.pem: a list of these, valid for a day.
  void revoke(const std::vector<std::string>& names);

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
    void operator()(x509_st* certificate) const;
  };
  std::string folder_;
  std::unique_ptr<evp_pkey_st, Free> key_;
  std::unique_ptr<x509_st, Free> own_;
  long serial_ = 1;
};

}  // namespace tandem::edge::test
