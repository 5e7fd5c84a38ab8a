// rtcp_fuzz.cpp — any octets as a media packet: RTP, RTCP and UDPTL checks read nothing behind the end; what
// crosses of a sound RTCP packet is sound itself, the same when it is filtered again, and names nobody.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "media-relay/wire/rtcp_packet.h"
#include "media-relay/wire/rtp_header.h"
#include "media-relay/wire/udptl.h"

using namespace sallyport::media;

namespace {

constexpr CnameToken kToken{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

void require(bool holds) {
  if (!holds) std::abort();
}

// Each chunk of an SDES has our name and nothing else.
void require_nameless(const RtcpPart& part) {
  require(part.bytes.size() == 4 + part.count * (kSdesBytes - 4));
  for (std::size_t at = 4; at < part.bytes.size(); at += kSdesBytes - 4) {
    const auto* const item = reinterpret_cast<const char*>(part.bytes.data() + at + 4);
    require(item[0] == 1 && std::string_view(item + 2, 16) == std::string_view(kToken.data(), 16));
  }
}

void require_crossable(std::span<const std::uint8_t> packet) {
  RtcpPart part;
  while (next_part(packet, part)) {
    require(!part.has_padding);
    switch (part.type) {
      case RtcpType::Sr:
      case RtcpType::Rr:
        require(part.bytes.size() == part.blocks_at() + part.count * kReportBlockBytes);
        break;
      case RtcpType::Sdes:
        require_nameless(part);
        break;
      case RtcpType::Rtpfb:
        require(part.count == 1 || part.count == 15);
        break;
      case RtcpType::Psfb:
        require(part.count >= 1 && part.count <= 4);
        break;
      case RtcpType::Xr:
        break;
      default:
        std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::vector<std::uint8_t> packet(bytes, bytes + size);  // its end is the end of a heap block
  (void)is_udptl(packet);
  const RtpFault fault = check_rtp(packet);
  require(fault != RtpFault::None || packet.size() >= kRtpHeaderBytes);
  require(!is_plain_rtp(packet) || fault == RtpFault::None);
  if (!is_rtcp(packet)) return 0;
  // Room is the third octet from the end, so that a packet that just fits and one that does not are met.
  const std::size_t room = std::min<std::size_t>(kRtcpBytesMax, size + bytes[size - 3] * std::size_t{8});
  std::vector<std::uint8_t> out(room);
  out.resize(filter_rtcp(packet, kToken, out));
  if (out.empty()) return 0;
  require(is_rtcp(out));
  require_crossable(out);
  std::vector<std::uint8_t> again(out.size());
  require(filter_rtcp(out, kToken, again) == out.size() && again == out);
  return 0;
}
