// session_keys.h — session keys from a master key: RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11.
#pragma once

#include <array>
#include <cstdint>

#include "media-relay/control/srtp_key.h"

namespace sallyport::media {

inline constexpr std::size_t kSrtpAuthKeyBytes = 20;

struct SrtpSessionKeys {
  std::array<std::uint8_t, kSrtpKeyBytesMax> cipher;
  std::array<std::uint8_t, kSrtpAuthKeyBytes> auth;  // not with AEAD
  std::array<std::uint8_t, kSrtpSaltBytesMax> salt;  // of AEAD the first 12
};

// Wiped when they go.
struct BothSessionKeys {
  SrtpSessionKeys rtp{}, rtcp{};
  BothSessionKeys() = default;
  BothSessionKeys(const BothSessionKeys&) = delete;
  BothSessionKeys& operator=(const BothSessionKeys&) = delete;
  ~BothSessionKeys() { wipe_octets(this, sizeof *this); }
};

// Without a key derivation rate: the keys of the whole life of the master key. False: no memory.
[[nodiscard]] bool derive_session_keys(const SrtpKey& master, BothSessionKeys& out) noexcept;

}  // namespace sallyport::media
