// rtp_header.h — the RTP header on the wire and what else may come to a media port: RFC 3550 §5.1, §5.3.1,
// RFC 5761 §4, RFC 7983 §7; threats M7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sallyport::media {

inline constexpr std::size_t kRtpHeaderBytes = 12;

enum class RtpFault : std::uint8_t {
  None,
  Stun,
  Dtls,
  BadVersion,
  BadLength,  // header, CSRC list, extension or padding beyond the packet
};

// Whether all lengths that the header claims lie within the packet.
[[nodiscard]] RtpFault check_rtp(std::span<const std::uint8_t> packet) noexcept;

// What needs no check_rtp(): version 2 and neither padding, extension nor CSRC list. RFC 3550 §5.1
[[nodiscard]] inline bool is_plain_rtp(std::span<const std::uint8_t> packet) noexcept {
  return packet.size() >= kRtpHeaderBytes && packet[0] == 0x80;
}
[[nodiscard]] inline std::uint8_t payload_type(const std::uint8_t* packet) noexcept {
  return packet[1] & 0x7f;
}
// RTCP on the RTP port: packet types 192 to 223. RFC 5761 §4
[[nodiscard]] inline bool is_rtcp_type(std::uint8_t second_octet) noexcept {
  return second_octet >= 192 && second_octet <= 223;
}

[[nodiscard]] inline std::uint16_t read_u16(const std::uint8_t* from) noexcept {
  std::uint16_t value;
  std::memcpy(&value, from, 2);
  return __builtin_bswap16(value);
}
[[nodiscard]] inline std::uint32_t read_u32(const std::uint8_t* from) noexcept {
  std::uint32_t value;
  std::memcpy(&value, from, 4);
  return __builtin_bswap32(value);
}
inline void write_u16(std::uint8_t* to, std::uint16_t value) noexcept {
  value = __builtin_bswap16(value);
  std::memcpy(to, &value, 2);
}
inline void write_u32(std::uint8_t* to, std::uint32_t value) noexcept {
  value = __builtin_bswap32(value);
  std::memcpy(to, &value, 4);
}

}  // namespace sallyport::media
