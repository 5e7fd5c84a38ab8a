// relay.cpp — one packet, one flow: whether it is relayed. RFC 3550 §5.1, RFC 5761 §4; threats M7, M8, M12.
#include "media-relay/relay/relay.h"

#include <algorithm>
#include <utility>

#include "media-relay/wire/rtp_header.h"
#include "media-relay/wire/udptl.h"

namespace sallyport::media {
namespace {

constexpr std::size_t kPorts = 65536;

}  // namespace

MediaDropReason reason_of_fault(RtpFault fault) noexcept {
  switch (fault) {
    case RtpFault::Stun:
      return MediaDropReason::Stun;
    case RtpFault::Dtls:
      return MediaDropReason::Dtls;
    case RtpFault::BadVersion:
      return MediaDropReason::BadVersion;
    default:
      return MediaDropReason::BadLength;
  }
}

namespace {

RtpNumbers numbers_of(const std::uint8_t* packet) noexcept {
  return {.ssrc = read_u32(packet + 8), .sequence = read_u16(packet + 2), .timestamp = read_u32(packet + 4)};
}

// Clock of a payload type that signalling has not described: RFC 3551 §6. 0: not known.
std::uint32_t usual_clock_rate(std::uint8_t payload_type) noexcept {
  if (payload_type == 10 || payload_type == 11) return 44100;
  if (payload_type == 14 || (payload_type >= 25 && payload_type <= 34)) return 90000;
  return payload_type < 20 ? 8000 : 0;
}

}  // namespace

Relay::Relay(RelaySetup setup)
    : setup_(std::move(setup)),
      of_today_(&setup_.realms),
      flows_(std::size_t{setup_.streams_max} * 2),
      streams_(setup_.streams_max),
      deadlines_(setup_.streams_max),
      digits_(setup_.streams_max),
      realms_(std::max(setup_.realms.bits_per_second.size(), setup_.realm_places)),
      secured_({setup_.srtp, setup_.streams_max, setup_.key}) {
  for (const OwnAddress& own : setup_.realms.addresses) setup_.numbers.push_back(own.number);
  for (const std::uint16_t number : setup_.numbers) {
    if (number >= ports_.size()) ports_.resize(number + std::size_t{1});
    if (ports_[number].empty()) ports_[number].resize(kPorts);
  }
  adopt(setup_.realms);
}

void Relay::adopt(const RelayRealms& next) noexcept {
  of_today_ = &next;
  for (std::size_t i = 0; i < std::min(realms_.size(), next.bits_per_second.size()); ++i) {
    realms_[i].in.set(next.bits_per_second[i]);
    realms_[i].out.set(next.bits_per_second[i]);
  }
}

void Relay::prefetch(FlowRef flow) const noexcept {
  const HotFlow* const hot = &flows_[(flow.value >> 1) - 2];
  __builtin_prefetch(hot, 1);
  __builtin_prefetch(reinterpret_cast<const char*>(hot) + 64, 1);
  if (secured_.count() != 0) secured_.prefetch((flow.value >> 2) - 1);
}

// What came, if it is secured, is in the clear here; what leaves still is.
RelayResult Relay::decide(const Packet& packet, FlowRef ref) noexcept {
  HotFlow& flow = flows_[(ref.value >> 1) - 2];
  const std::span<std::uint8_t> payload = packet.payload;
  if ((ref.value & 1) != 0 || (flow.gate & (kGateClosed | kGateUdptl)) != 0) [[unlikely]]
    return on_other_flow(packet, (ref.value & 1) != 0);
  if (!is_plain_rtp(payload)) [[unlikely]] {
    const RtpFault fault = check_rtp(payload);
    if (fault != RtpFault::None) return drop(packet, reason_of_fault(fault));
  }
  const std::uint8_t type = payload_type(payload.data());
  if ((flow.payloads[type >> 6] >> (type & 63) & 1) == 0) [[unlikely]]
    return on_other_payload(packet);
  if (!flow.is_source(packet.source)) [[unlikely]] {
    if (const auto reason = learn(packet)) return drop(packet, *reason);
  }
  measure(packet, flow);
  return relay(packet, flow);
}

void Relay::measure(const Packet& packet, HotFlow& flow) noexcept {
  flow.heard_at = packet.now;
  const RtpNumbers numbers = numbers_of(packet.payload.data());
  if (payload_type(packet.payload.data()) != flow.sequence.payload_type() ||
      numbers.ssrc != flow.sequence.ssrc()) [[unlikely]]
    return on_other_number(packet, flow);
  flow.sequence.on_packet(packet.now, numbers, streams_[packet.slot].sides[index_of(packet.side)].totals);
}

// Another payload type or source than in the packet before.
void Relay::on_other_number(const Packet& packet, HotFlow& flow) noexcept {
  SideState& side = streams_[packet.slot].sides[index_of(packet.side)];
  const RtpNumbers numbers = numbers_of(packet.payload.data());
  const std::uint8_t type = payload_type(packet.payload.data());
  on_ssrc(packet.slot, side, numbers.ssrc);
  std::uint32_t clock_rate = usual_clock_rate(type);
  bool is_event = false;
  for (std::size_t i = 0; i < side.settings.payload_count; ++i) {
    if (side.settings.payloads[i].number != type) continue;
    clock_rate = side.settings.payloads[i].clock_rate;
    is_event = side.settings.payloads[i].is_event;
  }
  if (is_event) {
    flow.sequence.on_sequence(numbers, side.totals);
    return;
  }
  if (type != flow.sequence.payload_type()) flow.sequence.set_payload(type, clock_rate);
  flow.sequence.on_packet(packet.now, numbers, side.totals);
}

RelayResult Relay::relay(const Packet& packet, HotFlow& flow) noexcept {
  bool is_changed = false;
  if ((flow.gate & (kGateHold | kGateNoDestination | kGateDigits)) != 0) [[unlikely]] {
    if ((flow.gate & kGateHold) != 0) return drop(packet, MediaDropReason::WrongDirection);
    if ((flow.gate & kGateNoDestination) != 0) return drop(packet, MediaDropReason::NoDestination);
    if (!make_room_for_digits(packet, is_changed)) return drop(packet, MediaDropReason::Digit);
  }
  const std::size_t bytes = packet.payload.size() + flow.header_bytes_in();
  RealmState& from = realm(flow.realm);
  RealmState& to = realm(flow.realm_out);
  if (!flow.policer.allow(packet.now, bytes)) [[unlikely]]
    return drop(packet, MediaDropReason::PolicedFlow);
  if (from.in.is_spent(packet.now) || to.out.is_spent(packet.now)) [[unlikely]]
    return drop(packet, MediaDropReason::PolicedRealm);
  from.in.charge(packet.now, bytes);
  to.out.charge(packet.now, bytes);
  if ((flow.gate & kGateSecuredOut) == 0) count_relayed(flow, packet.payload.size(), packet.payload.size());
  return {.kind = RelayResult::Kind::Forward,
          .payload_changed = is_changed,
          .length = static_cast<std::uint32_t>(packet.payload.size()),
          .out = packet.slot * 4 + static_cast<std::uint32_t>(index_of(other(packet.side))) * 2,
          .out_version = flow.out_version};
}

void Relay::count_relayed(HotFlow& flow, std::size_t bytes, std::size_t bytes_out) noexcept {
  RealmMediaCounters& from = realm(flow.realm).counters;
  RealmMediaCounters& to = realm(flow.realm_out).counters;
  from.packets_in.add();
  from.bytes_in.add(bytes + flow.header_bytes_in());
  to.packets_out.add();
  to.bytes_out.add(bytes_out + flow.header_bytes_out());
  ++flow.packets;
  flow.bytes += bytes;
}

RelayResult Relay::on_other_flow(const Packet& packet, bool is_rtcp_port) noexcept {
  HotFlow& flow = flow_of(packet.slot, packet.side);
  if ((flow.gate & kGateClosed) != 0) return on_closed(packet, is_rtcp_port);
  if (is_rtcp_port) return on_rtcp(packet, true);
  if (!is_udptl(packet.payload)) return drop(packet, MediaDropReason::UdptlMalformed);
  if (!flow.is_source(packet.source))
    if (const auto reason = learn(packet)) return drop(packet, *reason);
  flow.heard_at = packet.now;
  return relay(packet, flow);
}

// Not a payload type that is relayed: events that end here, RTCP, or nothing that this side agreed to.
RelayResult Relay::on_other_payload(const Packet& packet) noexcept {
  for (const EventFormat& format : streams_[packet.slot].sides[index_of(packet.side)].settings.events_heard)
    if (format.number == payload_type(packet.payload.data())) return on_event(packet, format);
  if (!is_rtcp_type(packet.payload[1])) return drop(packet, MediaDropReason::PayloadType);
  if (!streams_[packet.slot].sides[index_of(packet.side)].settings.rtcp_mux)  // RFC 5761 §4
    return drop(packet, MediaDropReason::RtcpNotUsed);
  return on_rtcp(packet, false);
}

RelayResult Relay::drop(const Packet& packet, MediaDropReason reason) noexcept {
  realm(flow_of(packet.slot, packet.side).realm).counters.dropped.add(reason);
  StreamState& stream = streams_[packet.slot];
  if (stream.phase == StreamState::Phase::Open) ++stream.sides[index_of(packet.side)].dropped;
  return {.kind = RelayResult::Kind::Drop, .reason = reason};
}

Outgoing Relay::outgoing(OutFlow out) const noexcept {
  const SideState& side = streams_[out / 4].sides[out >> 1 & 1];
  const bool is_rtcp = (out & 1) != 0 && !side.settings.rtcp_mux;
  Outgoing outgoing{.source = side.settings.local,
                    .destination = destination(side, is_rtcp),
                    .realm = side.settings.realm,
                    .dscp = side.settings.dscp};
  if (is_rtcp) ++outgoing.source.port;
  outgoing.is_own = number_of(outgoing.realm, outgoing.destination.address).has_value();
  return outgoing;
}

const RealmMediaCounters& Relay::counters(RealmIndex index) const noexcept {
  return realms_[to_position(index)].counters;
}

}  // namespace sallyport::media
