// rtcp_packet.h — RTCP compound packets: whether one is what its lengths say, its parts, and what of it may
// cross to the other side. RFC 3550 §6, §A.2; RFC 4585 §6; RFC 3611; threats M6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {

inline constexpr std::size_t kRtcpBytesMax = 1472;  // what one Ethernet frame carries; more is malformed
inline constexpr std::size_t kReportBlockBytes = 24;

enum class RtcpType : std::uint8_t { Sr = 200, Rr, Sdes, Bye, App, Rtpfb, Psfb, Xr };

// One packet of a compound; `bytes` is all of it, header and padding included.
struct RtcpPart {
  RtcpType type{};
  std::uint8_t count = 0;  // RC, SC or FMT
  bool has_padding = false;
  std::span<const std::uint8_t> bytes;

  // Of all types but SDES and BYE: who sends it.
  [[nodiscard]] std::uint32_t ssrc() const noexcept { return read_u32(bytes.data() + 4); }
  // Where the report blocks begin; of SR and RR.
  [[nodiscard]] std::size_t blocks_at() const noexcept { return type == RtcpType::Sr ? 28 : 8; }
  // Middle 32 bits of the NTP timestamp; of SR. RFC 3550 §6.4.1
  [[nodiscard]] std::uint32_t ntp_middle() const noexcept { return read_u32(bytes.data() + 10); }
};

// False: no more parts, or the next one is longer than what is left.
[[nodiscard]] bool next_part(std::span<const std::uint8_t>& left, RtcpPart& part) noexcept;

// Sound in the sense of RFC 3550 §A.2, and every count and length of each known part within that part.
[[nodiscard]] bool is_rtcp(std::span<const std::uint8_t> packet) noexcept;

using CnameToken = std::array<char, 16>;  // 96 random bits in letters and digits: RFC 7022 §4.2

// Writes what may cross; `packet` is_rtcp(). Its length; 0: nothing is left, or `out` is too small.
//   SR, RR       with their blocks, without profile extensions
//   SDES         CNAME alone, which becomes `cname`: names, hosts and tools do not cross
//   RTPFB        generic NACK and transport-wide feedback; TMMBR, TMMBN and others not: a stranger to the
//                session could throttle it
//   PSFB         PLI, SLI, RPSI, FIR; application feedback (REMB) not
//   XR           the block types of RFC 3611 §4
//   BYE, APP, unknown types: not. The end of a call is told by signalling.
[[nodiscard]] std::size_t filter_rtcp(std::span<const std::uint8_t> packet, const CnameToken& cname,
                                      std::span<std::uint8_t> out) noexcept;

// An SDES packet of one chunk; its length. RFC 3550 §6.5
inline constexpr std::size_t kSdesBytes = 28;
void write_sdes(std::uint8_t* to, std::uint32_t ssrc, const CnameToken& cname) noexcept;

// First octets of a part: version 2, no padding. RFC 3550 §6.4.1
void write_part_header(std::uint8_t* to, RtcpType type, std::size_t count, std::size_t bytes) noexcept;

}  // namespace sallyport::media
