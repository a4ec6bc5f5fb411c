#include "edge/scram.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/limits.hpp"
#include "edge/base64.hpp"

namespace tandem::edge {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t max_message_bytes = 1'024;
constexpr std::string_view scheme = "SCRAM-SHA-256$";

const unsigned char* octets(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(ByteBuffer& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

ByteBuffer hmac(ByteView key, ByteView text) {
  ByteBuffer out(key_bytes, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(), octets(out), &size);
  return out;
}

ByteBuffer hash(ByteView text) {
  ByteBuffer out(key_bytes, '\0');
  EVP_Digest(text.data(), text.size(), octets(out), nullptr, EVP_sha256(), nullptr);
  return out;
}

ByteBuffer exclusive_or(ByteView a, ByteView b) {
  ByteBuffer out(a);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

// The next "k=value" of a message; nullopt: it is another one.
std::optional<std::string_view> attribute(std::string_view& rest, char name) {
  if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
  const std::size_t end = std::min(rest.find(','), rest.size());
  const std::string_view value = rest.substr(2, end - 2);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return value;
}

// "=2C" is a comma, "=3D" an equals sign.
std::optional<std::string> unescaped(std::string_view name) {
  std::string plain;
  while (!name.empty()) {
    const bool escape = name.front() == '=';
    if (escape && !name.starts_with("=2C") && !name.starts_with("=3D")) return std::nullopt;
    plain.push_back(!escape ? name.front() : name[1] == '2' ? ',' : '=');
    name.remove_prefix(escape ? 3 : 1);
  }
  return plain;
}

}  // namespace

Result<ScramVerifier> parse_scram_verifier(std::string_view text) {
  const Error none{"it is no SCRAM-SHA-256 verifier"};
  if (!text.starts_with(scheme)) return none;
  text.remove_prefix(scheme.size());
  const std::size_t colon = text.find(':');
  const std::size_t dollar = text.find('$');
  const std::size_t second = text.rfind(':');
  if (colon == std::string_view::npos || dollar == std::string_view::npos || colon > dollar || second < dollar) {
    return none;
  }
  ScramVerifier made;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, made.iterations);
  if (error != std::errc{} || end != text.data() + colon || made.iterations < 1 ||
      made.iterations > limits::max_password_iterations) {
    return none;
  }
  std::optional<ByteBuffer> salt = from_base64(text.substr(colon + 1, dollar - colon - 1));
  std::optional<ByteBuffer> stored = from_base64(text.substr(dollar + 1, second - dollar - 1));
  std::optional<ByteBuffer> server = from_base64(text.substr(second + 1));
  if (!salt || !stored || !server || stored->size() != key_bytes || server->size() != key_bytes) return none;
  made.salt = *std::move(salt);
  made.stored_key = *std::move(stored);
  made.server_key = *std::move(server);
  return made;
}

std::string make_scram_verifier(ByteView password, ByteView salt, int iterations) {
  ByteBuffer salted(key_bytes, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt), static_cast<int>(salt.size()),
                    iterations, EVP_sha256(), static_cast<int>(salted.size()), octets(salted));
  const ByteBuffer stored_key = hash(hmac(salted, "Client Key"));
  const ByteBuffer server_key = hmac(salted, "Server Key");
  OPENSSL_cleanse(salted.data(), salted.size());
  return std::string(scheme) + std::to_string(iterations) + ":" + to_base64(salt) + "$" + to_base64(stored_key) + ":" +
         to_base64(server_key);
}

ScramServer::ScramServer(Find find, std::string_view secret, std::string nonce)
    : find_(std::move(find)), secret_(secret), nonce_(std::move(nonce)) {}

ScramServer::Step ScramServer::step(ByteView message) {
  if (message.size() > max_message_bytes) return {};
  return server_first_.empty() ? first(message) : last(message);
}

// "n,,n=USER,r=NONCE"; 'y': the client could bind channels; an identity to act as, and extensions, are refused.
ScramServer::Step ScramServer::first(ByteView message) {
  if (!message.starts_with("n,,") && !message.starts_with("y,,")) return {};
  header_ = std::string(message.substr(0, 3));
  first_bare_ = std::string(message.substr(3));
  std::string_view rest = first_bare_;
  const std::optional<std::string_view> name = attribute(rest, 'n');
  const std::optional<std::string_view> nonce = name ? attribute(rest, 'r') : std::nullopt;
  if (!nonce || nonce->empty() || !rest.empty()) return {};
  std::optional<std::string> user = unescaped(*name);
  if (!user || user->empty()) return {};
  user_ = *std::move(user);
  std::optional<ScramVerifier> found = find_(user_);
  known_ = found.has_value();
  if (known_) {
    verifier_ = *std::move(found);
  } else {  // a stranger does not learn who there is: the same salt each time, and a proof that is never right
    verifier_ = {limits::password_iterations, hmac(secret_, user_).substr(0, 16), ByteBuffer(key_bytes, '\0'),
                 ByteBuffer(key_bytes, '\0')};
  }
  nonce_ = std::string(*nonce) + nonce_;
  server_first_ = "r=" + nonce_ + ",s=" + to_base64(verifier_.salt) + ",i=" + std::to_string(verifier_.iterations);
  return {Step::Kind::more, server_first_};
}

// "c=HEADER,r=NONCE,p=PROOF"
ScramServer::Step ScramServer::last(ByteView message) {
  std::string_view rest = message;
  const std::optional<std::string_view> binding = attribute(rest, 'c');
  const std::optional<std::string_view> nonce = binding ? attribute(rest, 'r') : std::nullopt;
  const std::optional<std::string_view> text = nonce ? attribute(rest, 'p') : std::nullopt;
  const std::optional<ByteBuffer> proof = text ? from_base64(*text) : std::nullopt;
  if (!proof || !rest.empty() || proof->size() != key_bytes || *binding != to_base64(header_) || *nonce != nonce_) {
    return {};
  }
  const std::string_view without_proof = message.substr(0, message.rfind(",p="));
  const std::string signed_text = first_bare_ + "," + server_first_ + "," + std::string(without_proof);
  const ByteBuffer client_key = exclusive_or(*proof, hmac(verifier_.stored_key, signed_text));
  const ByteBuffer actual = hash(client_key);
  const bool right = CRYPTO_memcmp(actual.data(), verifier_.stored_key.data(), key_bytes) == 0;
  if (!right || !known_) return {};
  return {Step::Kind::success, "v=" + to_base64(hmac(verifier_.server_key, signed_text))};
}

}  // namespace tandem::edge
