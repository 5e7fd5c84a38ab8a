// media_notice.h — what the relay tells the signalling side of a stream: whom it has learned, silence, and
// what was counted. Plain values that travel in a ring from an lcore to a shard.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "media-relay/control/media_command.h"

namespace sallyport::media {

// What one side sent (the direction from it to the other side), RTP only unless it says RTCP.
struct SideReport {
  std::uint64_t packets = 0, bytes = 0;            // relayed; bytes of UDP payload
  std::uint64_t rtcp_packets = 0;                  // relayed or taken
  std::uint64_t lost = 0;                          // RFC 3550 §A.3, summed over all SSRCs; never below 0
  std::uint64_t dropped = 0;                       // all reasons together while the stream was open
  std::uint64_t after_close_packets = 0;           // came after Close (threats D9)
  std::uint32_t jitter_us = 0, jitter_max_us = 0;  // RFC 3550 §6.4.1, of the last SSRC
  std::uint32_t round_trip_us = 0;                 // between us and it, by its reports; 0: never known
  std::uint16_t mos_times_100 = 0;                 // ITU-T G.107 for this direction; 0: not known
  std::uint8_t payload_type = 0xff;                // of the last voice packet; 0xff: none came
  Endpoint remote, remote_rtcp;                    // learned; port 0: none
};

struct MediaNotice {
  enum class Kind : std::uint8_t {
    Learned,  // a side's address was learned, or another one
    Silent,   // a side that should send has not for `inactivity`; told once until it sends again
    Report,   // figures, every kReportEvery while they change
    Final,    // after Close: the last figures; the last notice of this stream
    Digit,    // `side` has sent an event that ends here (MediaSideSettings::events_heard)
  };
  Kind kind = Kind::Report;
  StreamSide side = StreamSide::Caller;  // of Learned, Silent and Digit
  std::uint8_t shard = 0;
  StreamKey key;
  std::array<SideReport, 2> sides{};  // by StreamSide: what that side sent; not of Digit
  media::Digit digit{};               // of Digit
  // By StreamSide, of Learned and Report: how far its SRTP contexts came, what it sends and what we send it.
  std::array<SrtpProgress, 2> srtp_theirs{}, srtp_ours{};
};
static_assert(std::is_trivially_copyable_v<MediaNotice>);

inline constexpr Duration kReportEvery = 5s;
// Final comes so long after Close: a stream that goes on after BYE is seen in it (contract: end record within
// 5 s).
inline constexpr Duration kFinalAfter = 3s;

}  // namespace sallyport::media
