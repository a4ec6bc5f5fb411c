#include "edge/password_hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/limits.hpp"
#include "edge/base64.hpp"

namespace tandem::edge {

namespace {

constexpr std::size_t hash_bytes = 64;
constexpr std::size_t max_salt_bytes = 64;

std::string_view next_field(std::string_view& rest) {
  const std::size_t end = rest.find('$');
  const std::string_view field = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return field;
}

const unsigned char* octets(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

Result<PasswordHash> parse_password_hash(std::string_view text) {
  const bool pbkdf2 = text.starts_with("$7$");
  if (!pbkdf2 && !text.starts_with("$6$")) return Error{"the hash begins with neither $6$ nor $7$"};
  std::string_view rest = text.substr(3);
  PasswordHash made;
  if (pbkdf2) {
    const std::string_view number = next_field(rest);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), made.iterations);
    if (error != std::errc{} || end != number.data() + number.size() || made.iterations < 1 ||
        made.iterations > limits::max_password_iterations) {
      return Error{"the number of iterations is not between 1 and " + std::to_string(limits::max_password_iterations)};
    }
  }
  std::optional<ByteBuffer> salt = from_base64(next_field(rest));
  std::optional<ByteBuffer> hash = from_base64(rest);
  if (!salt || salt->empty() || salt->size() > max_salt_bytes) return Error{"the salt is not 1 to 64 bytes in base64"};
  if (!hash || hash->size() != hash_bytes) return Error{"the hash is not 64 bytes in base64"};
  made.salt = *std::move(salt);
  made.hash = *std::move(hash);
  return made;
}

std::string make_password_hash(ByteView password, ByteView salt, int iterations) {
  ByteBuffer hash(hash_bytes, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt), static_cast<int>(salt.size()),
                    iterations, EVP_sha512(), static_cast<int>(hash.size()),
                    reinterpret_cast<unsigned char*>(hash.data()));
  return "$7$" + std::to_string(iterations) + "$" + to_base64(salt) + "$" + to_base64(hash);
}

bool matches(const PasswordHash& hash, ByteView password) {
  if (password.find('\0') != ByteView::npos) return false;  // HMAC takes "x" and "x\0" for one key
  std::array<unsigned char, hash_bytes> actual{};
  bool done = false;
  if (hash.iterations != 0) {
    done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(hash.salt),
                             static_cast<int>(hash.salt.size()), hash.iterations, EVP_sha512(),
                             static_cast<int>(actual.size()), actual.data()) == 1;
  } else {
    ByteBuffer salted = ByteBuffer(password).append(hash.salt);
    done = EVP_Digest(salted.data(), salted.size(), actual.data(), nullptr, EVP_sha512(), nullptr) == 1;
    OPENSSL_cleanse(salted.data(), salted.size());
  }
  return done && hash.hash.size() == actual.size() &&
         CRYPTO_memcmp(hash.hash.data(), actual.data(), actual.size()) == 0;
}

}  // namespace tandem::edge
