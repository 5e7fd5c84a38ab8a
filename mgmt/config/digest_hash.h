// digest_hash.h — H(user:realm:password) as small hexadecimal digits, for both hashes that phones know.
// RFC 7616 §3.4.2
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace sallyport::mgmt {

inline constexpr std::size_t kMd5Digits = 32, kSha256Digits = 64;

// What both are made with is looked up once.
class DigestHash {
 public:
  DigestHash();
  // Empty: this machine's OpenSSL has no such hash (MD5 where only FIPS is allowed).
  [[nodiscard]] std::string md5(std::string_view text) { return hash(md5_.get(), text); }
  [[nodiscard]] std::string sha256(std::string_view text) { return hash(sha256_.get(), text); }

 private:
  struct Deleter {
    void operator()(EVP_MD* hash) const noexcept { EVP_MD_free(hash); }
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  [[nodiscard]] std::string hash(const EVP_MD* which, std::string_view text);

  std::unique_ptr<EVP_MD, Deleter> md5_, sha256_;
  std::unique_ptr<EVP_MD_CTX, Deleter> context_;
};

}  // namespace sallyport::mgmt
