// relay.h — the relay of one lcore: owns its streams, decides of each packet that comes to a media port where
// it goes, and rewrites what must not cross. RFC 3550, RFC 7362; threats M1, M6 to M9, M12, D9.
//
// One thread. The caller's loop, for a burst: find() and prefetch() for all, then on_burst(); now and then
// apply() for each command, on_tick(), and next_own_packet() until there is none. A packet is decided with
// its own flow's state alone, two cache lines; where it leaves to, the caller caches by `out` and
// `out_version`.
//
// Of a side that is secured nothing is believed before its tag was found right (threats M2): all packets of a
// burst are unprotected first, those that fail are dropped and change nothing (M3), then each is decided as
// any other, and those that go to a secured side are protected together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "media-relay/control/media_command.h"
#include "media-relay/control/media_notice.h"
#include "media-relay/control/port_pool.h"
#include "media-relay/digits/stream_digits.h"
#include "media-relay/flow/policer.h"
#include "media-relay/relay/lazy_array.h"
#include "media-relay/relay/relay_result.h"
#include "media-relay/relay/secured_streams.h"
#include "media-relay/relay/stream_state.h"
#include "media-relay/wire/rtcp_packet.h"
#include "policy/base/keyed_hash.h"

namespace sallyport::media {

// One of our addresses that has media, and the number by which the caller names it in find(). Two realms of
// one port may name the same number; two ports may own the same address under two numbers.
struct OwnAddress {
  RealmIndex realm = RealmIndex::kNone;
  IpAddress address;
  std::uint16_t number = 0;
};

// What a relay knows of realms, made aside, and put in place of the last.
struct RelayRealms {
  // Those of an earlier configuration whose streams may still be open among them.
  std::vector<OwnAddress> addresses;
  // By realm, each way: this lcore's share of limits.media in bits a second. 0: no limit.
  std::vector<std::uint64_t> bits_per_second;
};

struct RelaySetup {
  std::uint32_t streams_max = 0;  // open or in quarantine; PortPool::streams_max() is never too few
  RelayRealms realms;
  std::size_t realm_places = 0;          // how many there may be one day, if that is more
  std::vector<std::uint16_t> numbers{};  // of further addresses of ours that may have media one day
  PortPool* ports = nullptr;             // ports go back here; outlives the relay
  HashKey key;                           // random at each start: names and numbers that we make up for RTCP
  std::optional<SrtpEngineKind> srtp;    // none: what is secured by command passes nothing
};

// Takes notices. False: there is no room now, ask again later.
class NoticeSink {
 public:
  virtual bool take(const MediaNotice& notice) noexcept = 0;

 protected:
  ~NoticeSink() = default;
};

// Written by the relay's thread, read by any.
struct RelayCounters {
  Counter streams_open;      // now
  Counter streams_secured;   // now: of those that are open, with SRTP on one side at least
  Counter streams_closed;    // now: in quarantine
  Counter commands_refused;  // named no stream, ports that were not free, or keys there is no room for: an
                             // error of ours
  Counter latches;           // sources learned
};

// Memory for `streams_max` is taken at once and touched only when it is used.
class Relay {
 public:
  explicit Relay(RelaySetup setup);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Other realms from now on. Streams that are open keep all that they have, but share the limits of today.
  // `next` outlives the relay or the next call.
  void adopt(const RelayRealms& next) noexcept;

  // A command that cannot be is counted and has no effect.
  void apply(Timestamp now, const MediaCommand& command) noexcept;

  // `own_address`: OwnAddress::number. Any number, any port.
  [[nodiscard]] FlowRef find(std::uint16_t own_address, std::uint16_t udp_port) const noexcept {
    if (own_address >= ports_.size() || ports_[own_address].empty()) return {};
    return {ports_[own_address][udp_port]};
  }
  // Brings what on_packet() will touch into the cache.
  void prefetch(FlowRef flow) const noexcept;
  // Which flow a packet of `flow` will leave by (unless it is RTCP on the RTP port): to prefetch the cache.
  [[nodiscard]] static OutFlow out_of(FlowRef flow) noexcept { return (flow.value ^ 2u) - 4u; }

  // Each packet's `flow` is one; its `result` is the answer.
  void on_burst(Timestamp now, std::span<RelayPacket> packets) noexcept;
  // What comes by this flow leaves changed under a checksum of our own, and nothing in it tells whether it
  // was damaged on its way to us: whoever hands it in has verified its checksum.
  [[nodiscard]] bool must_be_whole(FlowRef flow) const noexcept {
    const unsigned gate = flows_[(flow.value >> 1) - 2].gate;
    return (gate & kGateSecuredIn) == 0 && (gate & (kGateSecuredOut | kGateDigits)) != 0;
  }
  // A burst of one.
  [[nodiscard]] RelayResult on_packet(Timestamp now, FlowRef flow, const Endpoint& source,
                                      std::span<std::uint8_t> payload, std::size_t capacity) noexcept;
  // `out` of a Forward just answered.
  [[nodiscard]] Outgoing outgoing(OutFlow out) const noexcept;

  // A packet that leaves by an Outgoing with `is_own`, where it comes in again. `hairpins`: how often it has
  // done so, with this time.
  [[nodiscard]] RelayResult on_own_packet(Timestamp now, const Outgoing& by, unsigned hairpins,
                                          std::span<std::uint8_t> payload, std::size_t capacity) noexcept;

  // Cheap when nothing is due; call it at least every 10 ms while there are streams. Notices that the sink
  // does not take are offered again.
  void on_tick(Timestamp now, NoticeSink& sink) noexcept;
  // An event or a report of our own that is due (MediaCommand::Kind::SendDigit, RtcpMode::Terminate), written
  // to `buffer` (kOwnPacketBytesMax). After on_tick().
  [[nodiscard]] std::optional<RelayResult> next_own_packet(Timestamp now,
                                                           std::span<std::uint8_t> buffer) noexcept;

  [[nodiscard]] std::uint32_t out_flows_max() const noexcept { return setup_.streams_max * 4; }
  [[nodiscard]] const RelayCounters& counters() const noexcept { return counters_; }
  // `realm` is a position in SbcConfig::realms. Any thread.
  [[nodiscard]] const RealmMediaCounters& counters(RealmIndex realm) const noexcept;

 private:
  struct RealmState {
    RealmMediaCounters counters;
    BandwidthPolicer in, out;
  };
  struct Packet {
    Timestamp now;
    std::uint32_t slot;
    StreamSide side;  // that it comes from
    const Endpoint& source;
    std::span<std::uint8_t> payload;
    std::size_t capacity;
  };

  [[nodiscard]] static Packet packet_of(Timestamp now, RelayPacket& packet) noexcept {
    return {now,
            (packet.flow.value >> 2) - 1,
            StreamSide((packet.flow.value >> 1) & 1),
            packet.source,
            packet.payload,
            packet.capacity};
  }
  [[nodiscard]] HotFlow& flow_of(std::uint32_t slot, StreamSide side) noexcept {
    return flows_[std::size_t{slot} * 2 + index_of(side)];
  }
  [[nodiscard]] RealmState& realm(RealmIndex index) noexcept { return realms_[to_position(index)]; }

  // relay_srtp.cpp
  [[nodiscard]] std::optional<MediaDropReason> check_unread(const Packet& packet, FlowRef flow,
                                                            bool& is_rtcp) noexcept;
  void read_secured(Timestamp now, std::span<RelayPacket> packets) noexcept;
  void decide_read(Timestamp now, std::span<RelayPacket> packets) noexcept;
  void send_secured(Timestamp now, std::span<RelayPacket> packets) noexcept;
  [[nodiscard]] bool protect_own(RelayResult& result, std::span<std::uint8_t> buffer) noexcept;

  // relay.cpp: what each packet needs, and less usual ones.
  RelayResult decide(const Packet& packet, FlowRef ref) noexcept;
  void count_relayed(HotFlow& flow, std::size_t bytes, std::size_t bytes_out) noexcept;
  RelayResult relay(const Packet& packet, HotFlow& flow) noexcept;
  void measure(const Packet& packet, HotFlow& flow) noexcept;
  void on_other_number(const Packet& packet, HotFlow& flow) noexcept;
  RelayResult on_other_flow(const Packet& packet, bool is_rtcp_port) noexcept;
  RelayResult on_other_payload(const Packet& packet) noexcept;
  RelayResult drop(const Packet& packet, MediaDropReason reason) noexcept;

  // relay_source.cpp: who may send, and where to.
  std::optional<MediaDropReason> learn(const Packet& packet) noexcept;
  std::optional<MediaDropReason> learn_rtcp(const Packet& packet) noexcept;
  void on_learned(std::uint32_t slot, StreamSide side) noexcept;
  RelayResult on_closed(const Packet& packet, bool is_rtcp_port) noexcept;
  [[nodiscard]] Endpoint destination(const SideState& side, bool is_rtcp) const noexcept;
  void refresh(std::uint32_t slot) noexcept;
  [[nodiscard]] std::uint32_t new_version() noexcept;

  // relay_rtcp.cpp
  RelayResult on_rtcp(const Packet& packet, bool is_rtcp_port) noexcept;
  [[nodiscard]] bool sends_as_itself(const Packet& packet) const noexcept;
  RelayResult relay_rtcp(const Packet& packet) noexcept;
  void read_reports(const Packet& packet, bool is_relayed) noexcept;
  [[nodiscard]] RelayResult to_rtcp_flow(Timestamp now, std::uint32_t slot, StreamSide towards,
                                         std::size_t length) noexcept;
  [[nodiscard]] CnameToken cname_of(std::uint32_t slot, StreamSide side) const noexcept;

  // own_reports.cpp
  [[nodiscard]] std::optional<RelayResult> next_plain_packet(Timestamp now,
                                                             std::span<std::uint8_t> buffer) noexcept;
  [[nodiscard]] Timestamp queue_own(Timestamp now, std::uint32_t slot, StreamSide side) noexcept;
  [[nodiscard]] std::size_t write_own(Timestamp now, std::uint32_t slot, StreamSide side,
                                      std::uint8_t* to) noexcept;
  void write_block(Timestamp now, std::uint32_t slot, StreamSide side, std::uint8_t* to) noexcept;
  [[nodiscard]] std::uint32_t own_ssrc(std::uint32_t slot, StreamSide side) const noexcept;
  [[nodiscard]] std::uint64_t random() noexcept;

  // relay_digits.cpp
  [[nodiscard]] StreamDigits& digits_of(std::uint32_t slot) noexcept;
  void queue_digits(std::uint32_t slot) noexcept;
  void queue_due(std::uint32_t slot) noexcept;
  void forget_digits(std::uint32_t slot) noexcept;
  RelayResult on_event(const Packet& packet, const EventFormat& format) noexcept;
  [[nodiscard]] bool send_digit(const MediaCommand& command) noexcept;
  [[nodiscard]] bool can_send_digits(std::uint32_t slot, StreamSide towards) noexcept;
  void serve_digits(Timestamp now, NoticeSink& sink) noexcept;
  [[nodiscard]] bool serve_digits_of(Timestamp now, std::uint32_t slot, NoticeSink& sink) noexcept;
  [[nodiscard]] bool tell_digit(std::uint32_t slot, StreamSide side, const Digit& digit,
                                NoticeSink& sink) noexcept;
  [[nodiscard]] std::optional<RelayResult> next_event_packet(Timestamp now, std::uint8_t* buffer) noexcept;
  [[nodiscard]] bool write_event_packet(Timestamp now, std::uint32_t slot, StreamSide which,
                                        std::uint8_t* to) noexcept;
  void begin_event(Timestamp now, std::uint32_t slot, StreamSide which, EventSender& sender) noexcept;
  [[nodiscard]] RelayResult to_event_flow(Timestamp now, std::uint32_t slot, StreamSide which) noexcept;
  [[nodiscard]] bool make_room_for_digits(const Packet& packet, bool& is_changed) noexcept;

  // relay_commands.cpp
  [[nodiscard]] bool open(Timestamp now, const MediaCommand& command) noexcept;
  [[nodiscard]] bool update(Timestamp now, const MediaCommand& command) noexcept;
  [[nodiscard]] bool close(Timestamp now, const MediaCommand& command) noexcept;
  [[nodiscard]] bool ask(const MediaCommand& command) noexcept;
  [[nodiscard]] std::uint32_t find_stream(const MediaCommand& command) const noexcept;
  [[nodiscard]] std::optional<std::uint16_t> number_of(RealmIndex realm,
                                                       const IpAddress& address) const noexcept;
  [[nodiscard]] bool is_sound(const MediaCommand& command) const noexcept;
  void set_side(Timestamp now, std::uint32_t slot, StreamSide side,
                const MediaSideSettings& settings) noexcept;
  void learn_from_before(SideState& side) noexcept;
  void learn_from_settings(SideState& side, bool is_moved, bool is_same_place) noexcept;
  [[nodiscard]] bool set_keys(Timestamp now, std::uint32_t slot, const MediaCommand& command) noexcept;
  void forget_keys(std::uint32_t slot) noexcept;
  void set_ports(std::uint32_t slot, bool is_in_use) noexcept;
  void free_stream(Timestamp now, std::uint32_t slot) noexcept;

  // relay_tick.cpp
  [[nodiscard]] bool tell(std::uint32_t slot, MediaNotice::Kind kind, StreamSide side,
                          NoticeSink& sink) noexcept;
  [[nodiscard]] bool tell_learned(NoticeSink& sink) noexcept;
  [[nodiscard]] bool serve(Timestamp now, std::uint32_t slot, NoticeSink& sink) noexcept;
  [[nodiscard]] bool serve_open(Timestamp now, std::uint32_t slot, NoticeSink& sink) noexcept;
  [[nodiscard]] SideReport report_of(std::uint32_t slot, StreamSide side) const noexcept;
  void queue_untold(std::uint32_t slot, StreamSide side) noexcept;
  void queue_untold(std::uint32_t slot) noexcept;
  void on_ssrc(std::uint32_t slot, SideState& side, std::uint32_t ssrc) noexcept;

  RelaySetup setup_;
  const RelayRealms* of_today_;  // not beyond realms_
  // By number of the address: FlowRef of each UDP port. Numbers without media have none.
  std::vector<std::vector<std::uint32_t>> ports_;
  LazyArray<HotFlow> flows_;        // by slot and side
  LazyArray<StreamState> streams_;  // by slot
  LazyArray<Timestamp> deadlines_;  // by slot: when serve() has something to do
  LazyArray<StreamDigits> digits_;  // by slot, where StreamState::has_digits
  std::vector<RealmState> realms_;
  FormerSources former_;
  SecuredStreams secured_;
  SrtpBatch batch_;
  std::array<std::optional<MediaDropReason>, kRelayBurst> refused_;  // of a burst: before it is read
  std::uint32_t slots_used_ = 0;                                     // slots below were used at least once
  std::uint32_t first_free_ = kNoSlot;                               // list of those that are free again
  std::uint32_t first_untold_ = kNoSlot, last_untold_ = kNoSlot;
  std::uint32_t first_own_ = kNoSlot, last_own_ = kNoSlot;
  std::uint32_t first_digits_ = kNoSlot, last_digits_ = kNoSlot, digits_listed_ = 0;  // one is on its way
  std::uint32_t first_due_ = kNoSlot, last_due_ = kNoSlot;  // an event is to be sent
  std::uint64_t drawn_ = 0;                                 // random numbers
  std::uint32_t scan_at_ = 0;
  Timestamp scanned_at_{};
  std::uint32_t last_version_ = 0;
  RelayCounters counters_;
};

inline constexpr std::size_t kOwnPacketBytesMax = 256;

}  // namespace sallyport::media
