// relay_hairpin.cpp — from one of our streams straight into another: a PBX that leaves descriptions as they
// are leads a call back to us, and the two calls name each other's ports. Threats M1, M9, M11.
//
// Both must name each other. Who only names a port of somebody else's call is a stranger there, whatever that
// side's latch would take of a host out there: nothing that has been here before may be learned by and by.
#include "media-relay/relay/relay.h"

namespace sallyport::media {

RelayResult Relay::on_own_packet(Timestamp now, const Outgoing& by, unsigned hairpins,
                                 std::span<std::uint8_t> payload, std::size_t capacity) noexcept {
  const auto number = number_of(by.realm, by.destination.address);
  const FlowRef flow = number ? find(*number, by.destination.port) : FlowRef{};
  if (!flow.is_flow()) {
    realm(by.realm).counters.dropped.add(MediaDropReason::Closed);
    return {.kind = RelayResult::Kind::Drop, .reason = MediaDropReason::Closed};
  }
  const Packet packet{now,     (flow.value >> 2) - 1, StreamSide((flow.value >> 1) & 1), by.source, payload,
                      capacity};
  if (hairpins > kHairpinsMax) return drop(packet, MediaDropReason::Loop);
  const MediaSideSettings& settings = streams_[packet.slot].sides[index_of(packet.side)].settings;
  const bool is_rtcp_port = (flow.value & 1) != 0;
  const Endpoint& named = is_rtcp_port ? settings.remote_rtcp : settings.remote;
  if (settings.realm != by.realm || by.source != named) return drop(packet, MediaDropReason::ForeignSource);
  return on_packet(now, flow, by.source, payload, capacity);  // which is as its sender made it: SRTP too
}

}  // namespace sallyport::media
