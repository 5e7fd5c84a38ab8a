// media_session.h — what two legs have agreed on about media, as plain values that a snapshot can hold: RFC
// 3264, RFC 6337 (offer and answer), RFC 8866 (SDP), RFC 3605, RFC 5761 (RTCP's port).
//
// One session belongs to one attempt (INVITE to one target): every dialog that the attempt makes shares its
// ports; the last description of the callee's side counts. media_negotiator.h moves it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media-relay/control/media_command.h"
#include "media-relay/control/media_notice.h"
#include "media-relay/control/port_pool.h"
#include "policy/base/ip_address.h"
#include "sipalg/media/side_crypto.h"
#include "sipalg/sdp/session_description.h"

namespace sallyport::sip {

inline constexpr std::size_t kStreamsMax = kSdpMediaMax;  // m-lines of a description; beyond them: 488

// What one side said of one m-line when it last said something that counts.
struct StreamSideState {
  Endpoint remote, remote_rtcp;  // port 0: none, or refused
  MediaDirection direction;
  bool rtcp_mux = false;
  bool is_any_payload = false;  // it listed more than can be named
  std::uint8_t payload_count = 0;
  std::array<media::PayloadFormat, media::kPayloadsMax> payloads{};  // that it listed
  // Of the dearest format that it listed, without margin. The other side may send that.
  std::uint32_t packets_per_second = 0, bytes_per_second = 0;
  // Only where the other side has its digits by INFO: the payload types by which it takes events, as it said
  // last, and those that were named to it, by which it sends them. RFC 4733
  media::EventFormats events{}, events_shown{};
  std::uint16_t learning = 0;
  Endpoint latched, latched_rtcp;  // as the relay last told
  CryptoBox crypto;                // where keys were spoken of
  template <class Archive>
  void archive(Archive& a) {
    a(remote, remote_rtcp, direction, rtcp_mux, is_any_payload, payload_count, packets_per_second,
      bytes_per_second, events, events_shown, learning, latched, latched_rtcp, crypto);
    if constexpr (Archive::kReads)
      if (payload_count > payloads.size()) {
        payload_count = 0;
        return a.fail();
      }
    for (std::size_t i = 0; i < payload_count; ++i)
      a(payloads[i].number, payloads[i].ie, payloads[i].bpl, payloads[i].is_event, payloads[i].clock_rate);
  }
};

// A format of an offer as it went on to the answerer.
struct OfferedFormat {
  std::uint8_t number = 0;
  std::uint32_t name_hash = 0;  // of encoding and clock
  template <class Archive>
  void archive(Archive& a) {
    a(number, name_hash);
  }
};

// One m-line for the life of the session; a refused or unused one keeps its place. RFC 3264 §8
struct StreamState {
  std::uint16_t number = 0;  // of StreamKey; from 1, 0: it never was a stream
  media::MediaKind kind = media::MediaKind::Rtp;
  SdpMedia media = SdpMedia::Other;        // of the last offer
  SdpProfile profile = SdpProfile::Other;  // of the last offer: the answer shows the same. RFC 3264 §6
  KeyOffer key_offer = KeyOffer::None;     // with which it went on
  // With which the first offer did, that of the INVITE: every dialog which that makes may answer it, whatever
  // another one has offered since. RFC 3261 §13.2.2.4
  KeyOffer first_key_offer = KeyOffer::None;
  bool is_anchored = false;  // it has ports of ours; else it goes out with port 0
  bool is_open = false;      // the relay knows it
  std::string codec;         // "PCMA/8000", of the last answer's first voice format; for CDRs
  media::StreamPorts ports;
  std::array<StreamSideState, 2> sides;  // by StreamSide
  std::vector<OfferedFormat> offered;    // of the last offer
  template <class Archive>
  void archive(Archive& a) {
    a(number, kind, media, profile, key_offer, first_key_offer, is_anchored, is_open, codec, ports.caller,
      ports.callee, sides, offered);
    if constexpr (Archive::kReads)
      if (kind > media::MediaKind::Udptl || media >= SdpMedia::kCount || profile >= SdpProfile::kCount ||
          key_offer >= KeyOffer::kCount || first_key_offer >= KeyOffer::kCount ||
          offered.size() > kSdpFormatsMax)
        a.fail();
  }
};

// An offer whose answer has not come. What it would change is here, and takes effect with the answer; a
// refusal drops it. RFC 3264 §4, RFC 3261 §14.1
struct PendingOffer {
  media::StreamSide from = media::StreamSide::Caller;
  std::uint64_t hash = 0;            // of the offer: the same one again is no second offer
  bool is_previewed = false;         // the relay goes by it already
  std::vector<StreamState> streams;  // as they will be, with what the offerer said
  template <class Archive>
  void archive(Archive& a) {
    a(from, hash, is_previewed, streams);
    if constexpr (Archive::kReads)
      if (from > media::StreamSide::Callee || streams.size() > kStreamsMax) a.fail();
  }
};

struct MediaSession {
  std::uint16_t number = 0;          // the attempt's
  std::vector<StreamState> streams;  // in the order of the m-lines
  std::optional<PendingOffer> pending;
  bool has_answer = false;                                   // one offer was answered
  media::StreamSide offered_by = media::StreamSide::Caller;  // the last offer that was answered
  std::vector<StreamState> retired;  // were open and gave way to another stream; kept for CDRs

  template <class Archive>
  void archive(Archive& a) {
    a(number, streams, pending, has_answer, offered_by, retired);
    if constexpr (Archive::kReads)
      if (offered_by > media::StreamSide::Callee || streams.size() > kStreamsMax ||
          retired.size() > kStreamsMax)
        a.fail();
  }
};

// What an early dialog had agreed on when another one took its turn with the streams. RFC 3261 §13.2.2.4
struct AgreedStreams {
  std::vector<StreamState> streams;
  media::StreamSide offered_by = media::StreamSide::Caller;
  template <class Archive>
  void archive(Archive& a) {
    a(streams, offered_by);
    if constexpr (Archive::kReads)
      if (offered_by > media::StreamSide::Callee || streams.size() > kStreamsMax) a.fail();
  }
};

// Keeps what the relay has learned (Learned, Report), for a restart. False: no such stream is here.
bool note_learned(MediaSession& session, const media::MediaNotice& notice) noexcept;

}  // namespace sallyport::sip
