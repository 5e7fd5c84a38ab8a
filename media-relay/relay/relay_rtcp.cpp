// relay_rtcp.cpp — RTCP that comes from one side: relayed without what must not cross, or ended here. RFC
// 3550 §6, RFC 3605, RFC 5761; threats M6.
#include <algorithm>
#include <string_view>

#include "media-relay/relay/relay.h"

namespace sallyport::media {

using enum MediaDropReason;

RelayResult Relay::on_rtcp(const Packet& packet, bool is_rtcp_port) noexcept {
  StreamState& stream = streams_[packet.slot];
  SideState& side = stream.sides[index_of(packet.side)];
  HotFlow& flow = flow_of(packet.slot, packet.side);
  if (stream.media == MediaKind::Udptl || side.settings.rtcp_mux == is_rtcp_port)
    return drop(packet, RtcpNotUsed);
  if (!is_rtcp(packet.payload)) return drop(packet, RtcpMalformed);
  if (!sends_as_itself(packet)) return drop(packet, RtcpForeignSsrc);
  const auto reason = is_rtcp_port                    ? learn_rtcp(packet)
                      : flow.is_source(packet.source) ? std::nullopt
                                                      : learn(packet);
  if (reason) return drop(packet, *reason);
  flow.heard_at = packet.now;
  const std::size_t bytes = packet.payload.size() + flow.header_bytes_in();
  if (!flow.policer.allow(packet.now, bytes)) return drop(packet, PolicedFlow);
  if (realm(flow.realm).in.is_spent(packet.now)) return drop(packet, PolicedRealm);
  realm(flow.realm).in.charge(packet.now, bytes);
  RelayResult result{.kind = RelayResult::Kind::Consumed, .is_rtcp = true};
  if (stream.ends_rtcp())
    read_reports(packet, false);
  else if (result = relay_rtcp(packet); result.kind == RelayResult::Kind::Drop)
    return result;
  realm(flow.realm).counters.packets_in.add();
  realm(flow.realm).counters.bytes_in.add(bytes);
  ++side.rtcp_packets;
  return result;
}

// Reports of a sender are for a source that this side was heard to send; unless it was not heard at all.
bool Relay::sends_as_itself(const Packet& packet) const noexcept {
  const SideState& side = streams_[packet.slot].sides[index_of(packet.side)];
  if (side.ssrc_count == 0) return true;
  std::span<const std::uint8_t> left = packet.payload;
  RtcpPart part;
  while (next_part(left, part))
    if (part.type == RtcpType::Sr && !side.has_sent(part.ssrc())) return false;
  return true;
}

RelayResult Relay::relay_rtcp(const Packet& packet) noexcept {
  StreamState& stream = streams_[packet.slot];
  const StreamSide towards = other(packet.side);
  const SideState& far = stream.sides[index_of(towards)];
  if (destination(far, !far.settings.rtcp_mux).port == 0) return drop(packet, NoDestination);
  if (realm(far.settings.realm).out.is_spent(packet.now)) return drop(packet, PolicedRealm);
  std::array<std::uint8_t, kRtcpBytesMax> kept;
  const std::size_t room = std::min(packet.capacity, kept.size());
  const std::size_t size =
      filter_rtcp(packet.payload, cname_of(packet.slot, packet.side), std::span(kept).first(room));
  if (size == 0) return drop(packet, RtcpEmpty);
  read_reports(packet, true);
  std::memcpy(packet.payload.data(), kept.data(), size);
  return to_rtcp_flow(packet.now, packet.slot, towards, size);
}

// Round trips and what our own reports need. A sender report that is relayed is one that we send.
void Relay::read_reports(const Packet& packet, bool is_relayed) noexcept {
  StreamState& stream = streams_[packet.slot];
  SideState& side = stream.sides[index_of(packet.side)];
  std::span<const std::uint8_t> left = packet.payload;
  RtcpPart part;
  while (next_part(left, part)) {
    if (part.type != RtcpType::Sr && part.type != RtcpType::Rr) continue;
    for (std::size_t i = 0; i < part.count; ++i) {
      const std::uint8_t* const block = part.bytes.data() + part.blocks_at() + i * kReportBlockBytes;
      side.round_trip.on_report(packet.now, read_u32(block + 16), read_u32(block + 20));
    }
    if (part.type != RtcpType::Sr) continue;
    side.sender_report = part.ntp_middle();
    side.sender_report_at = packet.now;
    if (is_relayed)
      stream.sides[index_of(other(packet.side))].round_trip.on_sent(packet.now, part.ntp_middle());
  }
}

RelayResult Relay::to_rtcp_flow(Timestamp now, std::uint32_t slot, StreamSide towards,
                                std::size_t length) noexcept {
  const SideState& side = streams_[slot].sides[index_of(towards)];
  const std::size_t bytes = length + flow_of(slot, towards).header_bytes_in();
  RealmState& into = realm(side.settings.realm);
  into.out.charge(now, bytes);
  into.counters.packets_out.add();
  into.counters.bytes_out.add(bytes);
  return {.kind = RelayResult::Kind::Forward,
          .payload_changed = true,
          .is_rtcp = true,
          .length = static_cast<std::uint32_t>(length),
          .out = static_cast<OutFlow>(slot * 4 + index_of(towards) * 2 + 1),
          .out_version = side.rtcp_version};
}

// Of what comes from `side`: one name in all streams of a call, so that voice and picture stay together; not
// to be guessed and not the same in two calls. RFC 7022 §4.2
CnameToken Relay::cname_of(std::uint32_t slot, StreamSide side) const noexcept {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<char, 16> input{'c', 'n', 'a', 'm', 'e', side == StreamSide::Caller ? '0' : '1'};
  std::memcpy(input.data() + 8, &streams_[slot].key.call, 8);
  const Hash128 hash = keyed_hash128(setup_.key, std::string_view(input.data(), input.size()));
  CnameToken token;
  for (std::size_t i = 0; i < token.size(); ++i)
    token[i] = kLetters[(i < 8 ? hash.low >> (i * 6) : hash.high >> ((i - 8) * 6)) & 63];
  return token;
}

}  // namespace sallyport::media
