#include "tests/wire/scram_client.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace tandem::test {

namespace {

const unsigned char* octets(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* octets(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string hmac(const std::string& key, const std::string& text) {
  std::string out(32, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(), octets(out), nullptr);
  return out;
}

std::string base64(const std::string& bytes) {
  std::string text(bytes.size() * 2 + 8, '\0');
  text.resize(static_cast<size_t>(EVP_EncodeBlock(octets(text), octets(bytes), static_cast<int>(bytes.size()))));
  return text;
}

std::string bytes_of(const std::string& base64_text) {
  std::string bytes(base64_text.size(), '\0');
  const int size = EVP_DecodeBlock(octets(bytes), octets(base64_text), static_cast<int>(base64_text.size()));
  if (size < 0) throw std::runtime_error("no base64: " + base64_text);
  bytes.resize(static_cast<size_t>(size));
  while (!base64_text.empty() && base64_text.size() % 4 == 0 && bytes.size() > base64_text.find_first_of('=') * 3 / 4) {
    bytes.pop_back();
  }
  return bytes;
}

std::string field(const std::string& message, char name) {
  size_t begin =
      message.starts_with(std::string(1, name) + "=") ? 2 : message.find("," + std::string(1, name) + "=") + 3;
  return message.substr(begin, message.find(',', begin) - begin);
}

}  // namespace

std::string ScramClient::first() {
  first_bare_ = "n=" + user_ + ",r=clientnonce";
  return "n,," + first_bare_;
}

std::string ScramClient::last(const std::string& server_first) {
  const std::string salt = bytes_of(field(server_first, 's'));
  std::string salted(32, '\0');
  PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()), octets(salt), static_cast<int>(salt.size()),
                    std::stoi(field(server_first, 'i')), EVP_sha256(), 32, octets(salted));
  const std::string client_key = hmac(salted, "Client Key");
  std::string stored(32, '\0');
  EVP_Digest(client_key.data(), client_key.size(), octets(stored), nullptr, EVP_sha256(), nullptr);
  const std::string without_proof = "c=biws,r=" + field(server_first, 'r');
  const std::string all = first_bare_ + "," + server_first + "," + without_proof;
  std::string proof = hmac(stored, all);
  for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  server_final_ = "v=" + base64(hmac(hmac(salted, "Server Key"), all));
  return without_proof + ",p=" + base64(proof);
}

}  // namespace tandem::test
