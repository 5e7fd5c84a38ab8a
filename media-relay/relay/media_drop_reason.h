// media_drop_reason.h — why the relay did not relay a packet that came to a media port. Each has one counter
// for each realm and a test.
//
// The names are values of the label `reason` of sallyport_media_dropped_total.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::media {

enum class MediaDropReason : std::uint8_t {
  Closed,           // the stream has ended; its ports are in quarantine (threats D9, M9)
  ForeignSource,    // not who was learned, nor who may be learned (threats M1)
  Learning,         // may be learned, but what may be relayed before that is spent
  WrongDirection,   // this side may not send now: hold
  NoDestination,    // the other side has not said where it wants media, or wants none
  Stun,             // first octet 0..3: until there is ICE
  Dtls,             // first octet 20..63: until there is DTLS-SRTP
  BadVersion,       // neither RTP version 2 nor any of the above
  BadLength,        // header, CSRC list, extension or padding beyond the packet (threats M7)
  PayloadType,      // not one that this side may send
  RtcpMalformed,    // threats M6
  RtcpForeignSsrc,  // reports for a source that this side has never sent
  RtcpNotUsed,      // RTCP where none was agreed: the wrong port, or T.38
  RtcpEmpty,        // nothing is left after what is never relayed was removed
  UdptlMalformed,   // threats M12
  PolicedFlow,      // more than this side agreed to send (threats M8)
  PolicedRealm,     // more than limits.media of a realm
  Loop,             // went from one of our streams to the next too often
  Digit,            // voice in whose place a digit is sent. RFC 4733
  // Of a secured side, or on its way to one. RFC 3711; threats M2, M3
  SrtpMalformed,   // too short for a tag, lengths beyond its end, or RTCP in the clear
  SrtpBadTag,      // not made with this side's key: in the clear, forged or damaged
  SrtpReplayed,    // was here before, or is so old that nobody knows
  SrtpNoKey,       // none was agreed yet, or there was no room for it
  SrtpSources,     // more sources than one key may have
  SrtpKeyExpired,  // the key was used as often as it may be
  SrtpNoRoom,      // its tag does not fit into the buffer
  kCount
};

inline constexpr std::size_t kMediaDropReasonCount = static_cast<std::size_t>(MediaDropReason::kCount);

inline constexpr std::array<std::string_view, kMediaDropReasonCount> kMediaDropReasonNames{
    "closed",
    "foreign_source",
    "learning",
    "wrong_direction",
    "no_destination",
    "stun",
    "dtls",
    "bad_version",
    "bad_length",
    "payload_type",
    "rtcp_malformed",
    "rtcp_foreign_ssrc",
    "rtcp_not_used",
    "rtcp_empty",
    "udptl_malformed",
    "policed_flow",
    "policed_realm",
    "loop",
    "digit",
    "srtp_malformed",
    "srtp_bad_tag",
    "srtp_replayed",
    "srtp_no_key",
    "srtp_sources",
    "srtp_key_expired",
    "srtp_no_room"};

[[nodiscard]] constexpr std::string_view to_string(MediaDropReason reason) noexcept {
  return kMediaDropReasonNames[static_cast<std::size_t>(reason)];
}

}  // namespace sallyport::media
