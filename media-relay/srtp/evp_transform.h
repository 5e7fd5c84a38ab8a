// evp_transform.h — the transform by OpenSSL, packet by packet: AES-CM and HMAC-SHA1 (RFC 3711 §4.1.1,
// §4.2.1), AES-GCM (RFC 7714). Key schedules live in OpenSSL's objects, two for each context.
#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <span>

#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/srtp/transform_work.h"

namespace sallyport::media {

struct FreeEvpCipher {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
};
struct FreeEvpMac {
  void operator()(EVP_MAC* mac) const noexcept { EVP_MAC_free(mac); }
};
using EvpCipherPtr = std::unique_ptr<EVP_CIPHER, FreeEvpCipher>;

class EvpTransform {
 public:
  struct Keys {
    EVP_CIPHER_CTX* cipher;
    EVP_MAC_CTX* mac;  // null with AEAD
  };

  [[nodiscard]] bool good() const noexcept {
    return hmac_ != nullptr && ctr_128_ != nullptr && ctr_256_ != nullptr && gcm_128_ != nullptr &&
           gcm_256_ != nullptr;
  }
  [[nodiscard]] bool open(SrtpSuite suite, const SrtpSessionKeys& session, SrtpDirection direction,
                          Keys& keys) noexcept {
    const SrtpSuiteFacts facts = facts_of(suite);
    const EVP_CIPHER* const cipher = facts.is_aead ? (facts.key_bytes == 32 ? gcm_256_ : gcm_128_).get()
                                                   : (facts.key_bytes == 32 ? ctr_256_ : ctr_128_).get();
    const int encrypts = direction == SrtpDirection::Protect || !facts.is_aead ? 1 : 0;
    keys.cipher = EVP_CIPHER_CTX_new();
    keys.mac = facts.is_aead ? nullptr : EVP_MAC_CTX_new(hmac_.get());
    std::array<char, 5> digest{'S', 'H', 'A', '1', 0};
    const std::array<OSSL_PARAM, 2> params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    const bool good =
        keys.cipher != nullptr &&
        EVP_CipherInit_ex(keys.cipher, cipher, nullptr, session.cipher.data(), nullptr, encrypts) == 1 &&
        (facts.is_aead || (keys.mac != nullptr && EVP_MAC_init(keys.mac, session.auth.data(),
                                                               session.auth.size(), params.data()) == 1));
    if (!good) close(keys);
    return good;
  }
  void close(Keys& keys) noexcept {
    EVP_CIPHER_CTX_free(keys.cipher);
    EVP_MAC_CTX_free(keys.mac);
    keys = {};
  }
  static void prefetch(const Keys& keys, bool) noexcept { __builtin_prefetch(&keys); }

  void cipher(std::span<TransformWork<Keys>> works) noexcept {
    for (const auto& work : works) {
      if (!work.is_live || work.text_bytes == 0) continue;
      std::uint8_t* const text = work.packet + work.text_at;
      int written = 0;
      EVP_CipherInit_ex(work.keys->cipher, nullptr, nullptr, nullptr, work.iv.data(), -1);
      EVP_CipherUpdate(work.keys->cipher, text, &written, text, static_cast<int>(work.text_bytes));
    }
  }
  void mac(std::span<TransformWork<Keys>> works) noexcept {
    for (auto& work : works) {
      std::size_t written = 0;
      EVP_MAC_init(work.keys->mac, nullptr, 0, nullptr);
      EVP_MAC_update(work.keys->mac, work.packet, work.covered_bytes);
      EVP_MAC_final(work.keys->mac, work.digest.data(), &written, work.digest.size());
    }
  }
  void seal(AeadWork<Keys>& work) noexcept {
    EVP_CIPHER_CTX* const context = work.keys->cipher;
    run(context, work);
    int written = 0;
    std::array<std::uint8_t, 16> rest;
    EVP_CipherFinal_ex(context, rest.data(), &written);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(work.tag.size()), work.tag.data());
  }
  [[nodiscard]] bool open(AeadWork<Keys>& work) noexcept {
    EVP_CIPHER_CTX* const context = work.keys->cipher;
    run(context, work);
    int written = 0;
    std::array<std::uint8_t, 16> rest;
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(work.tag.size()), work.tag.data());
    if (EVP_CipherFinal_ex(context, rest.data(), &written) == 1) return true;
    run(context, work);
    return false;
  }

 private:
  static void run(EVP_CIPHER_CTX* context, AeadWork<Keys>& work) noexcept {
    int written = 0;
    EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, work.iv.data(), -1);
    EVP_CipherUpdate(context, nullptr, &written, work.clear, static_cast<int>(work.clear_bytes));
    // Nothing at all would mean the end to OpenSSL's GCM.
    if (work.text_bytes == 0) return;
    EVP_CipherUpdate(context, work.text, &written, work.text, static_cast<int>(work.text_bytes));
  }

  EvpCipherPtr ctr_128_{EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr)};
  EvpCipherPtr ctr_256_{EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr)};
  EvpCipherPtr gcm_128_{EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)};
  EvpCipherPtr gcm_256_{EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)};
  std::unique_ptr<EVP_MAC, FreeEvpMac> hmac_{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
};

}  // namespace sallyport::media
