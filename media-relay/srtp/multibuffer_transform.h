// multibuffer_transform.h — the transform by libIPSec_MB: HMACs of a burst side by side, AES and GCM with the
// vector instructions of the processor. RFC 3711 §4.1.1, §4.2.1, RFC 7714.
#pragma once

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include <array>
#include <memory>
#include <span>

#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/srtp/transform_work.h"

namespace sallyport::media {

struct FreeMultibuffer {
  void operator()(IMB_MGR* library) const noexcept { free_mb_mgr(library); }
};
using MultibufferPtr = std::unique_ptr<IMB_MGR, FreeMultibuffer>;

// Null where the processor lacks AVX2, or the library finds fault with itself.
[[nodiscard]] MultibufferPtr make_multibuffer() noexcept;

class MultibufferTransform {
 public:
  static constexpr std::size_t kScheduleBytes = 15 * 16;
  struct CmKeys {
    alignas(16) std::array<std::uint8_t, kScheduleBytes> schedule;
    std::array<std::uint8_t, 20> inner, outer;  // of HMAC: after the first block
  };
  union alignas(16) Keys {
    CmKeys cm;
    gcm_key_data gcm;
  };

  [[nodiscard]] bool good() const noexcept { return library_ != nullptr; }
  [[nodiscard]] bool open(SrtpSuite suite, const SrtpSessionKeys& session, SrtpDirection,
                          Keys& keys) noexcept {
    const SrtpSuiteFacts facts = facts_of(suite);
    if (facts.is_aead) {
      if (facts.key_bytes == 32)
        IMB_AES256_GCM_PRE(library_.get(), session.cipher.data(), &keys.gcm);
      else
        IMB_AES128_GCM_PRE(library_.get(), session.cipher.data(), &keys.gcm);
      return true;
    }
    alignas(16) std::array<std::uint8_t, kScheduleBytes> unused;  // for decryption, which CTR has not
    if (facts.key_bytes == 32)
      IMB_AES_KEYEXP_256(library_.get(), session.cipher.data(), keys.cm.schedule.data(), unused.data());
    else
      IMB_AES_KEYEXP_128(library_.get(), session.cipher.data(), keys.cm.schedule.data(), unused.data());
    wipe_octets(unused.data(), unused.size());
    hash_pad(session.auth, 0x36, keys.cm.inner);
    hash_pad(session.auth, 0x5c, keys.cm.outer);
    return true;
  }
  void close(Keys& keys) noexcept { wipe_octets(&keys, sizeof keys); }

  static void prefetch(const Keys& keys, bool is_aead) noexcept {
    const auto* const from = reinterpret_cast<const std::uint8_t*>(&keys);
    for (std::size_t at = 0; at < 3 * kLine; at += kLine) __builtin_prefetch(from + at);
    if (is_aead) {
      // The low powers of the hash key, which short packets use, come last.
      const std::size_t end = sizeof(gcm_key_data);
      for (std::size_t back = kLine; back <= 4 * kLine; back += kLine) __builtin_prefetch(from + end - back);
    } else {
      __builtin_prefetch(from + 3 * kLine);
      __builtin_prefetch(from + 4 * kLine);
    }
  }

  void cipher(std::span<TransformWork<Keys>> works) noexcept {
    cipher_of(works, 16);
    cipher_of(works, 32);
  }
  void mac(std::span<TransformWork<Keys>> works) noexcept {
    std::uint32_t count = 0;
    for (auto& work : works) {
      IMB_JOB& job = jobs_[count++];
      job.src = work.packet;
      job.hash_start_src_offset_in_bytes = 0;
      job.msg_len_to_hash_in_bytes = work.covered_bytes;
      job.auth_tag_output = work.digest.data();
      job.auth_tag_output_len_in_bytes = work.digest.size();
      job.u.HMAC._hashed_auth_key_xor_ipad = work.keys->cm.inner.data();
      job.u.HMAC._hashed_auth_key_xor_opad = work.keys->cm.outer.data();
      job.hash_alg = IMB_AUTH_HMAC_SHA_1;
    }
    IMB_SUBMIT_HASH_BURST_NOCHECK(library_.get(), jobs_.data(), count, IMB_AUTH_HMAC_SHA_1);
  }
  void seal(AeadWork<Keys>& work) noexcept {
    if (work.key_bytes == 32)
      IMB_AES256_GCM_ENC(library_.get(), &work.keys->gcm, &gcm_, work.text, work.text, work.text_bytes,
                         work.iv.data(), work.clear, work.clear_bytes, work.tag.data(), work.tag.size());
    else
      IMB_AES128_GCM_ENC(library_.get(), &work.keys->gcm, &gcm_, work.text, work.text, work.text_bytes,
                         work.iv.data(), work.clear, work.clear_bytes, work.tag.data(), work.tag.size());
  }
  [[nodiscard]] bool open(AeadWork<Keys>& work) noexcept {
    alignas(16) std::array<std::uint8_t, 16> tag;
    decrypt(work, tag);
    if (CRYPTO_memcmp(tag.data(), work.tag.data(), tag.size()) == 0) return true;
    decrypt(work, tag);  // counter mode undoes itself
    return false;
  }

 private:
  void hash_pad(const std::array<std::uint8_t, kSrtpAuthKeyBytes>& key, std::uint8_t pad,
                std::array<std::uint8_t, 20>& out) noexcept {
    std::array<std::uint8_t, kSha1Block> block;
    block.fill(pad);
    for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
    IMB_SHA1_ONE_BLOCK(library_.get(), block.data(), out.data());
    wipe_octets(block.data(), block.size());
  }
  void cipher_of(std::span<TransformWork<Keys>> works, std::uint8_t key_bytes) noexcept {
    std::uint32_t count = 0;
    for (auto& work : works) {
      if (!work.is_live || work.text_bytes == 0 || work.key_bytes != key_bytes) continue;
      IMB_JOB& job = jobs_[count++];
      job.enc_keys = job.dec_keys = work.keys->cm.schedule.data();
      job.key_len_in_bytes = key_bytes;
      job.src = work.packet;
      job.dst = work.packet + work.text_at;
      job.cipher_start_src_offset_in_bytes = work.text_at;
      job.msg_len_to_cipher_in_bytes = work.text_bytes;
      job.iv = work.iv.data();
      job.iv_len_in_bytes = work.iv.size();
      job.cipher_mode = IMB_CIPHER_CNTR;
      job.cipher_direction = IMB_DIR_ENCRYPT;
    }
    if (count == 0) return;
    IMB_SUBMIT_CIPHER_BURST_NOCHECK(library_.get(), jobs_.data(), count, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                    key_bytes == 32 ? IMB_KEY_256_BYTES : IMB_KEY_128_BYTES);
  }
  void decrypt(AeadWork<Keys>& work, std::array<std::uint8_t, 16>& tag) noexcept {
    if (work.key_bytes == 32)
      IMB_AES256_GCM_DEC(library_.get(), &work.keys->gcm, &gcm_, work.text, work.text, work.text_bytes,
                         work.iv.data(), work.clear, work.clear_bytes, tag.data(), tag.size());
    else
      IMB_AES128_GCM_DEC(library_.get(), &work.keys->gcm, &gcm_, work.text, work.text, work.text_bytes,
                         work.iv.data(), work.clear, work.clear_bytes, tag.data(), tag.size());
  }

  static constexpr std::size_t kSha1Block = 64, kLine = 64;

  MultibufferPtr library_ = make_multibuffer();
  gcm_context_data gcm_{};
  std::array<IMB_JOB, kSrtpBurst> jobs_{};
};

}  // namespace sallyport::media
