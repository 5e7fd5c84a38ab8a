// srtp_packet.h — where the parts of an SRTP or SRTCP packet are, and its initialization vector: RFC 3711
// §3.1, §3.4, §4.1.1, RFC 7714 §8.1, §9.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "media-relay/srtp/session_keys.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {

inline constexpr std::uint32_t kSrtcpClearBytes = 8;  // first header word and SSRC
inline constexpr std::uint32_t kSrtcpWordBytes = 4;   // E and index
inline constexpr std::uint32_t kSrtcpIsEncrypted = 0x80000000;
inline constexpr std::uint32_t kSrtcpIndexMax = 0x7fffffff;
inline constexpr std::uint32_t kSrtpPacketBytesMax = 0xffff;  // of UDP; so the counter of AES never wraps

// Octets of fixed header, CSRC list and extension, which stay readable; 0: malformed. RFC 3550 §5.1, §5.3.1
[[nodiscard]] inline std::uint32_t rtp_clear_bytes(const std::uint8_t* packet,
                                                   std::uint32_t length) noexcept {
  if (length < kRtpHeaderBytes || packet[0] >> 6 != 2) return 0;
  std::uint32_t bytes = static_cast<std::uint32_t>(kRtpHeaderBytes) + 4u * (packet[0] & 0x0fu);
  if ((packet[0] & 0x10) != 0) {
    if (length < bytes + 4) return 0;
    bytes += 4u + 4u * read_u16(packet + bytes + 2);
  }
  return bytes <= length ? bytes : 0;
}

using SrtpIv = std::array<std::uint8_t, 16>;

// The first block of counter mode. RFC 3711 §4.1.1
inline void make_cm_iv(const std::uint8_t* salt, std::uint32_t ssrc, std::uint64_t index,
                       SrtpIv& iv) noexcept {
  std::uint64_t high, low;
  std::memcpy(&high, salt, 8);
  low = 0;
  std::memcpy(&low, salt + 8, 6);
  high ^= __builtin_bswap64(ssrc);
  low ^= __builtin_bswap64(index << 16);
  std::memcpy(iv.data(), &high, 8);
  std::memcpy(iv.data() + 8, &low, 8);
}
// Of RTP the index is ROC and sequence number, of RTCP its 31 bits: 48 bits either way. RFC 7714 §8.1, §9.1
inline void make_aead_iv(const std::uint8_t* salt, std::uint32_t ssrc, std::uint64_t index,
                         SrtpIv& iv) noexcept {
  iv = {};
  write_u32(iv.data() + 2, ssrc);
  write_u16(iv.data() + 6, static_cast<std::uint16_t>(index >> 32));
  write_u32(iv.data() + 8, static_cast<std::uint32_t>(index));
  for (std::size_t i = 0; i < 12; ++i) iv[i] = static_cast<std::uint8_t>(iv[i] ^ salt[i]);
}

// The number, with zeros before it. RFC 4568 §6.1
inline void write_mki(std::uint8_t* to, std::uint64_t mki, std::size_t bytes) noexcept {
  for (std::size_t i = bytes; i > 0; --i, mki >>= 8) to[i - 1] = static_cast<std::uint8_t>(mki);
}
[[nodiscard]] inline bool has_mki(const std::uint8_t* from, std::uint64_t mki, std::size_t bytes) noexcept {
  for (std::size_t i = bytes; i > 0; --i, mki >>= 8)
    if (from[i - 1] != static_cast<std::uint8_t>(mki)) return false;
  return true;
}

}  // namespace sallyport::media
