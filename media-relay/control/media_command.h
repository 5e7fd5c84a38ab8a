// media_command.h — what the signalling side asks of the relay: open a stream between two legs, change it,
// close it. Plain values that travel in a ring from a shard to the lcore that owns the stream.
//
// A stream is one m-line of one call: two sides, each with a pair of our ports (even: RTP or UDPTL, odd above
// it: RTCP). The ports were taken from the PortPool before the stream is opened, and are given back to it by
// the relay, some time after it was closed: so no packet of one call is ever taken for one of the next.
// Commands for one stream come from one shard, in order. RFC 3550 §11, RFC 3605, RFC 4733, RFC 5761, RFC
// 7362.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "media-relay/control/srtp_key.h"
#include "policy/base/fixed_vector.h"
#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/index.h"
#include "policy/model/profile.h"

namespace sallyport::media {

inline constexpr std::size_t kPayloadsMax = 16;

// The two ends of a stream, as in a call: who called and who was called.
enum class StreamSide : std::uint8_t { Caller, Callee };
[[nodiscard]] constexpr StreamSide other(StreamSide side) noexcept {
  return side == StreamSide::Caller ? StreamSide::Callee : StreamSide::Caller;
}
[[nodiscard]] constexpr std::size_t index_of(StreamSide side) noexcept {
  return static_cast<std::size_t>(side);
}

enum class MediaKind : std::uint8_t { Rtp, Udptl };

// Names a stream for its whole life; never given twice.
struct StreamKey {
  std::uint64_t call = 0;    // number of the call
  std::uint16_t stream = 0;  // counts all streams that the call ever had
  friend bool operator==(const StreamKey&, const StreamKey&) = default;
};

// A payload type that a side may send, and what its quality is judged by. RFC 3551, ITU-T G.107, G.113 App. I
struct PayloadFormat {
  std::uint8_t number = 0;  // 0..127
  std::uint8_t ie = 0;      // equipment impairment factor
  std::uint8_t bpl = 25;    // packet-loss robustness factor; at least 1
  bool is_event = false;    // telephone-event: no voice
  std::uint32_t clock_rate = 8000;
};

// Payload types of telephone-event, at most one for each clock rate. RFC 4733 §2.4.1
inline constexpr std::size_t kEventFormatsMax = 4;
struct EventFormat {
  std::uint8_t number = 0;
  std::uint32_t clock_rate = 8000;
  friend bool operator==(const EventFormat&, const EventFormat&) = default;
  template <class Archive>
  void archive(Archive& a) {
    a(number, clock_rate);
  }
};
using EventFormats = FixedVector<EventFormat, kEventFormatsMax>;

// A key that was pressed. Events 0 to 9, 10 (*), 11 (#), 12 to 15 (A to D), 16 (flash). RFC 4733 §3.2
inline constexpr std::uint8_t kFlashEvent = 16;  // those above are no keys
struct Digit {
  std::uint8_t event = 0;
  std::uint16_t duration_ms = 0;
  friend bool operator==(const Digit&, const Digit&) = default;
  template <class Archive>
  void archive(Archive& a) {
    a(event, duration_ms);
  }
};

// All that the relay must know of one side. "Sends" is seen from that side.
struct MediaSideSettings {
  RealmIndex realm = RealmIndex::kNone;
  Endpoint local;                  // ours towards this side: address and even port
  Endpoint remote;                 // where its SDP wants media; port 0: it has not said so yet, or wants none
  Endpoint remote_rtcp;            // the same for RTCP; port 0: none. With rtcp_mux the same as `remote`
  IpAddress signalled;             // host that its signalling comes from
  Endpoint latched, latched_rtcp;  // restored streams: learned before the restart; port 0: nothing
  // Another number than before: signalling has moved this side's media, learning begins anew.
  std::uint16_t learning = 0;
  LatchMode latch = LatchMode::Signalled;
  RtcpMode rtcp = RtcpMode::Relay;
  bool rtcp_mux = false;  // RFC 5761
  bool may_send = true;   // direction: what it sends is relayed
  bool expects_packets =
      true;       // silence beyond `inactivity` is told (not while on hold, not before an answer)
  Dscp dscp{46};  // of what we send to it
  std::uint8_t payload_count = 0;  // 0: any payload type
  std::array<PayloadFormat, kPayloadsMax> payloads{};
  // Only where the other side has its digits by signalling: the payload types by which this side sends
  // events, which end here and are told, and those by which it takes them.
  EventFormats events_heard{}, events_taken{};
  // Policing of what it sends, RTP and RTCP together; 0: none. Bytes count IP and UDP headers.
  std::uint32_t packets_per_second = 0;
  std::uint32_t bytes_per_second = 0;
  Duration inactivity = 60s;  // 0: never told
};

// How what goes between one side and us is secured. Each direction's number is another one than before when
// its key is new, and the packets on their way under the old key still count for a moment. RFC 4568 §7.1.4
struct MediaKeys {
  bool is_secured = false;          // SRTP; what comes without a known key, or fails under it, is dropped
  std::uint16_t theirs_number = 0;  // 0: not known yet
  std::uint16_t ours_number = 0;
  SrtpKey theirs, ours;  // what this side protects with; what we protect with towards it
  // Of Open after a restart: where the contexts go on.
  SrtpProgress theirs_before, ours_before;
  void wipe() noexcept { wipe_octets(this, sizeof *this); }
};

struct MediaCommand {
  enum class Kind : std::uint8_t {
    Open,    // all members are used; the ports are free of any stream
    Update,  // the same stream, same local ports; its statistics go on
    Close,   // key and local ports: nothing is relayed any more; what still comes is counted until the ports
             // are given back
    SendDigit,  // key, local ports, digit, digit_to: an event for that side, in the place of the other's
                // voice
    Ask,        // key, local ports: a Report comes at once, changed or not
  };
  Kind kind = Kind::Open;
  MediaKind media = MediaKind::Rtp;
  std::uint8_t shard = 0;  // to whom notices go: the call's shard
  StreamKey key;
  Duration quarantine = 10s;                 // from Close until the ports are given back
  std::array<MediaSideSettings, 2> sides{};  // by StreamSide
  // By StreamSide; of Open and Update. Whoever hands a command on wipes what he had of it.
  std::array<MediaKeys, 2> keys{};
  StreamSide digit_to = StreamSide::Caller;
  Digit digit{};
};
static_assert(std::is_trivially_copyable_v<MediaCommand>);

}  // namespace sallyport::media
