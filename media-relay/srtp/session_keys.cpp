// session_keys.cpp — the keystream of AES in counter mode as a pseudo-random function: RFC 3711 §4.3.1,
// §4.3.3, RFC 6188 §3, RFC 7714 §11.
#include "media-relay/srtp/session_keys.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <span>

namespace sallyport::media {
namespace {

enum class Label : std::uint8_t { RtpCipher, RtpAuth, RtpSalt, RtcpCipher, RtcpAuth, RtcpSalt };

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

class Derivation {
 public:
  explicit Derivation(const SrtpKey& master) noexcept : master_(master), context_(EVP_CIPHER_CTX_new()) {
    const EVP_CIPHER* const cipher =
        facts_of(master.suite).key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();  // RFC 6188 §3
    good_ = context_ != nullptr &&
            EVP_EncryptInit_ex(context_.get(), cipher, nullptr, master.key.data(), nullptr) == 1;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

  // A rate of zero: the key id is the label alone. RFC 3711 §4.3.1
  void derive(Label label, std::span<std::uint8_t> out) noexcept {
    std::array<std::uint8_t, 16> block{};
    // A salt of 12 octets counts as one of 14 with zeros behind. RFC 7714 §11
    std::copy_n(master_.salt.data(), facts_of(master_.suite).salt_bytes, block.data());
    block[7] ^= static_cast<std::uint8_t>(label);
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    int written = 0;
    good_ = good_ && EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, block.data()) == 1 &&
            EVP_EncryptUpdate(context_.get(), out.data(), &written, out.data(),
                              static_cast<int>(out.size())) == 1;
    wipe_octets(block.data(), block.size());
  }

 private:
  const SrtpKey& master_;
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context_;
  bool good_ = false;
};

}  // namespace

bool derive_session_keys(const SrtpKey& master, BothSessionKeys& out) noexcept {
  const SrtpSuiteFacts facts = facts_of(master.suite);
  Derivation derivation(master);
  const auto derive = [&](SrtpSessionKeys& keys, Label cipher) {
    const auto next = [cipher](unsigned step) {
      return static_cast<Label>(static_cast<unsigned>(cipher) + step);
    };
    derivation.derive(cipher, {keys.cipher.data(), facts.key_bytes});
    if (!facts.is_aead) derivation.derive(next(1), keys.auth);
    derivation.derive(next(2), {keys.salt.data(), facts.salt_bytes});
  };
  derive(out.rtp, Label::RtpCipher);
  derive(out.rtcp, Label::RtcpCipher);
  return derivation.good();
}

}  // namespace sallyport::media
