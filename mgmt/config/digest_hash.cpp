// digest_hash.cpp — see digest_hash.h.
#include "mgmt/config/digest_hash.h"

#include <openssl/err.h>

#include <array>

namespace sallyport::mgmt {

DigestHash::DigestHash()
    : md5_(EVP_MD_fetch(nullptr, "MD5", nullptr)),
      sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      context_(EVP_MD_CTX_new()) {
  ERR_clear_error();
}

std::string DigestHash::hash(const EVP_MD* which, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (which == nullptr || context_ == nullptr || EVP_DigestInit_ex2(context_.get(), which, nullptr) != 1 ||
      EVP_DigestUpdate(context_.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) != 1) {
    ERR_clear_error();
    return {};
  }
  std::string out;
  out.reserve(std::size_t{2} * size);
  for (unsigned int i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4U];
    out += kDigits[bytes[i] & 15U];
  }
  return out;
}

}  // namespace sallyport::mgmt
