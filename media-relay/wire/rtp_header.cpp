// rtp_header.cpp — lengths that an RTP header claims, each against what is there: RFC 3550 §5.1, §5.3.1.
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {

RtpFault check_rtp(std::span<const std::uint8_t> packet) noexcept {
  if (packet.empty()) return RtpFault::BadLength;
  const std::uint8_t first = packet[0];
  if (first <= 3) return RtpFault::Stun;                  // RFC 7983 §7
  if (first >= 20 && first <= 63) return RtpFault::Dtls;  // RFC 7983 §7
  if (first >> 6 != 2) return RtpFault::BadVersion;
  std::size_t header = kRtpHeaderBytes + (first & 0x0fu) * 4u;
  if (packet.size() < header) return RtpFault::BadLength;
  if ((first & 0x10) != 0) {  // RFC 3550 §5.3.1
    if (packet.size() < header + 4) return RtpFault::BadLength;
    header += 4 + read_u16(packet.data() + header + 2) * 4u;
    if (packet.size() < header) return RtpFault::BadLength;
  }
  if ((first & 0x20) != 0) {  // the last octet counts the padding, itself included: RFC 3550 §5.1
    const std::uint8_t padding = packet.back();
    if (padding == 0 || packet.size() < header + padding) return RtpFault::BadLength;
  }
  return RtpFault::None;
}

}  // namespace sallyport::media
