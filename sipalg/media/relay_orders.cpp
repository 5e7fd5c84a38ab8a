// relay_orders.cpp — from what two sides said to what each may send: RFC 3264 §5.1, §8.4, RFC 4733 §2.5.2.
#include "sipalg/media/relay_orders.h"

#include <algorithm>

namespace sallyport::sip {
namespace {

using media::MediaSideSettings;
using media::StreamSide;

// Both sides' formats: each may send what the other listed, and most send what they listed themselves.
void add_payloads(const StreamState& stream, MediaSideSettings& settings) noexcept {
  for (const StreamSideState& side : stream.sides) {
    if (side.is_any_payload) {
      settings.payload_count = 0;
      return;
    }
    for (std::size_t i = 0; i < side.payload_count; ++i) {
      const media::PayloadFormat& format = side.payloads[i];
      const auto end = settings.payloads.begin() + settings.payload_count;
      if (std::any_of(settings.payloads.begin(), end,
                      [&](const media::PayloadFormat& other) { return other.number == format.number; }))
        continue;
      if (settings.payload_count == settings.payloads.size()) {
        settings.payload_count = 0;  // more than can be named: any
        return;
      }
      settings.payloads[settings.payload_count++] = format;
    }
  }
}

// RTCP takes a twentieth (RFC 3550 §6.2), and a little even beside the smallest codec.
constexpr std::uint64_t kRtcpPackets = 5, kRtcpBytes = 1000;

std::uint32_t with_margin(std::uint64_t rate, std::uint64_t least_rtcp, std::uint32_t percent) noexcept {
  if (rate == 0) return 0;
  const std::uint64_t all = (rate + std::max(rate / 20, least_rtcp)) * percent / 100;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(all, 1, 0xffffffffu));
}

const StreamSideState& side_of(const StreamState& stream, StreamSide side) noexcept {
  return stream.sides[media::index_of(side)];
}

bool may_send(const StreamState& stream, StreamSide side) noexcept {
  return side_of(stream, side).direction.sends && side_of(stream, media::other(side)).direction.receives;
}

void set_rates(const StreamState& stream, StreamSide side, const ProfileMedia& profile,
               MediaSideSettings& settings) noexcept {
  const StreamSideState& own = side_of(stream, side);
  const StreamSideState& far = side_of(stream, media::other(side));
  const auto packets = std::max(own.packets_per_second, far.packets_per_second);
  std::uint64_t bytes = std::max(own.bytes_per_second, far.bytes_per_second);
  if (own.crypto && own.crypto->is_secured && bytes != 0)  // the tag and the MKI of each packet
    bytes += packets * (media::facts_of(own.crypto->suite).rtp_tag_bytes +
                        std::uint64_t{own.crypto->theirs->mki_bytes});
  settings.packets_per_second = with_margin(packets, kRtcpPackets, profile.policing_percent);
  settings.bytes_per_second = with_margin(bytes, kRtcpBytes, profile.policing_percent);
}

}  // namespace

void give_order(media::MediaCommand::Kind kind, const StreamState& stream, const MediaContext& context,
                const SbcConfig& config, bool is_answered) {
  media::MediaCommand& command = context.commands.emplace_back();
  command.kind = kind;
  command.media = stream.kind;
  command.shard = context.shard;
  command.key = {context.call, stream.number};
  command.quarantine = Duration{0};
  const bool is_two_way = may_send(stream, StreamSide::Caller) && may_send(stream, StreamSide::Callee);
  for (const StreamSide side : {StreamSide::Caller, StreamSide::Callee}) {
    const std::size_t at = media::index_of(side);
    const MediaLeg& leg = context.legs[at];
    const StreamSideState& state = stream.sides[at];
    const RealmMedia& realm =
        (leg.facts != nullptr ? *leg.facts : config.realms[to_position(leg.realm)]).media;
    const ProfileMedia& profile = leg.profile->media;
    MediaSideSettings& settings = command.sides[at];
    command.quarantine = std::max(command.quarantine, realm.quarantine);
    settings.realm = leg.realm;
    settings.local = side == StreamSide::Caller ? stream.ports.caller : stream.ports.callee;
    settings.remote = state.remote;
    settings.remote_rtcp = stream.kind == media::MediaKind::Rtp ? state.remote_rtcp : Endpoint{};
    settings.signalled = leg.signalled;
    settings.latched = state.latched;
    settings.latched_rtcp = state.latched_rtcp;
    settings.learning = state.learning;
    settings.latch = profile.latch;
    settings.rtcp = profile.rtcp;
    settings.rtcp_mux = state.rtcp_mux;
    // UDPTL not before its answer: what comes earlier can only be another's. Threats M12
    settings.may_send = may_send(stream, side) && (is_answered || stream.kind == media::MediaKind::Rtp);
    // Who holds may send music or nothing, a fax machine that listens sends nothing. RFC 3264 §8.4
    settings.expects_packets = is_answered && is_two_way && stream.kind == media::MediaKind::Rtp;
    settings.dscp = realm.dscp;
    settings.inactivity = profile.inactivity;
    if (stream.kind == media::MediaKind::Rtp) add_payloads(stream, settings);
    set_rates(stream, side, profile, settings);
    if (kind != media::MediaCommand::Kind::Close) fill_keys(state.crypto, command.keys[at]);
    settings.events_taken = state.events;
    settings.events_heard = state.events_shown;
  }
}

}  // namespace sallyport::sip
