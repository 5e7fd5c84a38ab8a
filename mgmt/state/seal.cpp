// seal.cpp — HKDF and AES-256-GCM by OpenSSL. RFC 5869, NIST SP 800-38D.
#include "mgmt/state/seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <memory>

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kMagic = "SPSEAL\0\1";  // the last byte is the version
constexpr std::size_t kMagicBytes = 8, kSaltBytes = 32, kNonceBytes = 12, kTagBytes = 16;
constexpr std::size_t kHeaderBytes = kMagicBytes + kSaltBytes + kNonceBytes;

[[nodiscard]] std::string_view magic() { return {kMagic.data(), kMagicBytes}; }

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

[[nodiscard]] const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
[[nodiscard]] unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

[[nodiscard]] OSSL_PARAM octets(const char* name, std::string_view value) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

// A key for one file alone: the salt in its header is new each time.
class FileKey {
 public:
  FileKey(const NodeSecret& secret, std::string_view salt, std::string_view name) {
    good_ = derive_key(secret, salt, std::string("sealed file ").append(name), key_);
  }
  ~FileKey() { OPENSSL_cleanse(key_.data(), key_.size()); }
  FileKey(const FileKey&) = delete;
  FileKey& operator=(const FileKey&) = delete;
  [[nodiscard]] bool is_good() const { return good_; }
  [[nodiscard]] const unsigned char* bytes() const { return key_.data(); }

 private:
  std::array<std::uint8_t, 32> key_{};
  bool good_ = false;
};

}  // namespace

bool derive_key(const NodeSecret& secret, std::string_view salt, std::string_view purpose,
                std::span<std::uint8_t> out) {
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  if (!kdf) return false;
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(EVP_KDF_CTX_new(kdf.get()));
  if (!context) return false;
  char digest[] = "SHA256";
  const std::string_view key(reinterpret_cast<const char*>(secret.data()), secret.size());
  // OpenSSL takes a null pointer for "no salt", which is what an empty one means. RFC 5869 §2.2
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      octets(OSSL_KDF_PARAM_KEY, key),
      octets(OSSL_KDF_PARAM_INFO, purpose),
      salt.empty() ? OSSL_PARAM_construct_end() : octets(OSSL_KDF_PARAM_SALT, salt),
      OSSL_PARAM_construct_end(),
  };
  return EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1;
}

std::optional<std::string> seal(const NodeSecret& secret, std::string_view name, std::string_view bytes) {
  if (bytes.size() > kSealedBytesMax) return std::nullopt;
  std::string out(magic());
  out.resize(kHeaderBytes + bytes.size() + kTagBytes);
  if (RAND_bytes(bytes_of(out) + kMagicBytes, static_cast<int>(kSaltBytes + kNonceBytes)) != 1)
    return std::nullopt;
  const std::string_view salt(out.data() + kMagicBytes, kSaltBytes);
  const FileKey key(secret, salt, name);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  unsigned char* const header = bytes_of(out);
  unsigned char* const nonce = header + kMagicBytes + kSaltBytes;
  unsigned char* const body = header + kHeaderBytes;
  const int size = static_cast<int>(bytes.size());
  int length = 0;
  const bool good =
      cipher && key.is_good() &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes(), nonce) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, header, static_cast<int>(kHeaderBytes)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &length, bytes_of(bytes), size) == 1 && length == size &&
      EVP_EncryptFinal_ex(cipher.get(), body + size, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, body + size) == 1;
  if (!good) return std::nullopt;
  return out;
}

std::optional<std::string> unseal(const NodeSecret& secret, std::string_view name, std::string_view sealed) {
  if (sealed.size() < kHeaderBytes + kTagBytes || !sealed.starts_with(magic())) return std::nullopt;
  if (sealed.size() > kHeaderBytes + kSealedBytesMax + kTagBytes) return std::nullopt;
  const FileKey key(secret, sealed.substr(kMagicBytes, kSaltBytes), name);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  const unsigned char* const header = bytes_of(sealed);
  const unsigned char* const nonce = header + kMagicBytes + kSaltBytes;
  const unsigned char* const body = header + kHeaderBytes;
  std::string out(sealed.size() - kHeaderBytes - kTagBytes, '\0');
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const int size = static_cast<int>(out.size());
  int length = 0;
  const bool good =
      cipher && key.is_good() &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes(), nonce) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, header, static_cast<int>(kHeaderBytes)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(out), &length, body, size) == 1 && length == size &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(out) + size, &length) == 1;
  if (!good) return std::nullopt;
  return out;
}

}  // namespace sallyport::mgmt
