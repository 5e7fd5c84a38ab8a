// sdp_crossing.cpp — m-line by m-line: RFC 3264 §5 to §8, RFC 3605 §2.1, RFC 5761 §5.1.1; threats P11, M10 to
// M12.
#include "sipalg/media/sdp_crossing.h"

#include <algorithm>
#include <utility>

#include "policy/base/check.h"
#include "sipalg/media/codec_choice.h"
#include "sipalg/media/event_formats.h"

namespace sallyport::sip {
namespace {

using media::MediaKind;
using media::StreamSide;

constexpr std::uint16_t kNotAcceptable = 488, kNoRoom = 503;

// What can be anchored today, keys left aside. The rest goes out with port 0.
bool is_relayable(const MediaDescription& media) noexcept {
  if (media.is_port_range) return false;
  if (media.profile == SdpProfile::Udptl) return media.media == SdpMedia::Image;
  return is_rtp(media.profile) &&
         (media.media == SdpMedia::Audio || media.media == SdpMedia::Video || media.media == SdpMedia::Text);
}

MediaKind kind_of(const MediaDescription& media) noexcept {
  return media.profile == SdpProfile::Udptl ? MediaKind::Udptl : MediaKind::Rtp;
}

// An answer may differ from its offer in what we bridge, but no further. RFC 3264 §6
bool is_of_kind(SdpProfile answered, SdpProfile offered) noexcept {
  return answered == offered || (is_rtp(answered) && is_rtp(offered));
}

// "c=IN IP4 0.0.0.0": hold as RFC 2543 had it. RFC 3264 §8.4
bool is_black_hole(const MediaDescription& media) noexcept {
  return media.connection.kind == SdpConnection::Kind::Address && media.connection.address.is_unspecified();
}

const Endpoint& local_of(const StreamState& stream, StreamSide side) noexcept {
  return side == StreamSide::Caller ? stream.ports.caller : stream.ports.callee;
}

// Only what both allow: an answer may not go beyond the offer. RFC 3264 §6.1
MediaDirection within(const MediaDirection& answer, const MediaDirection& offer) noexcept {
  return {answer.sends && offer.receives, answer.receives && offer.sends};
}

// Another place than before: the relay must learn anew.
// A side that says the same once more may have lost its binding at a NAT, of which it knows nothing: whoever
// it is, is learned again. RFC 7362 §4
void move_to(StreamSideState& side, const Endpoint& remote, const Endpoint& remote_rtcp,
             bool is_said_again) noexcept {
  const bool was_known = side.remote.port != 0;
  if (side.remote == remote && side.remote_rtcp == remote_rtcp) {
    if (is_said_again) ++side.learning;
    return;
  }
  side.remote = remote;
  side.remote_rtcp = remote_rtcp;
  if (!was_known) return;
  ++side.learning;
  side.latched = side.latched_rtcp = {};
}

// A side with its digits by INFO sees no telephone-event, and none of its own counts.
bool hides_events(const MediaDescription& line, const MediaContext& context) noexcept {
  if (line.media != SdpMedia::Audio) return false;
  return std::ranges::any_of(context.legs,
                             [](const MediaLeg& leg) { return leg.profile->media.dtmf == DtmfMode::Info; });
}

// Keeps its place and what a CDR says of it.
void turn_off(StreamState& stream) noexcept { stream.is_anchored = stream.is_open = false; }

}  // namespace

SdpCrossing::SdpCrossing(const Parts& parts, const MediaSession& session, StreamSide from)
    : parts_(parts),
      from_(from),
      to_(media::other(from)),
      base_(session.pending ? session.pending->streams : session.streams),
      is_renegotiated_(session.has_answer),
      next_(std::move(parts.room)) {
  next_.clear();
  next_.reserve(parts.came.media.size());
}

SdpCrossing::~SdpCrossing() {
  for (const media::StreamPorts& ports : taken_) {
    parts_.ports.give_back(leg(StreamSide::Caller).realm, ports.caller);
    parts_.ports.give_back(leg(StreamSide::Callee).realm, ports.callee);
  }
}

const MediaLeg& SdpCrossing::leg(StreamSide side) const noexcept {
  return parts_.context.legs[media::index_of(side)];
}

std::uint16_t SdpCrossing::offer() {
  const auto& lines = parts_.came.media;
  if (lines.size() < base_.size()) return kNotAcceptable;  // their number never shrinks. RFC 3264 §8
  bool wants_some = false, has_some = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (const std::uint16_t refusal = offer_line(i); refusal != 0) return refusal;
    wants_some |= lines[i].port != 0;
    has_some |= next_[i].is_anchored;
    show(i, true);
  }
  if (wants_some && !has_some) return kNotAcceptable;
  show_session();
  return 0;
}

std::uint16_t SdpCrossing::offer_line(std::size_t at) {
  const MediaDescription& line = parts_.came.media[at];
  StreamState& stream = next_.emplace_back(at < base_.size() ? base_[at] : StreamState{});
  FarMedia& far = *(far_.media.push_back({}) ? far_.media.end() - 1 : nullptr);
  stream.media = line.media;
  stream.profile = line.profile;
  SdesAttribute chosen;
  const Keying keying = hear_offered_keys(line, leg(from_), chosen);
  const auto key_offer = key_offer_of(line, keying, stream);
  if (line.port == 0 || !is_relayable(line) || !key_offer ||
      !choose_offered(line, leg(from_).profile->media.codecs, leg(to_).profile->media.codecs,
                      hides_events(line, parts_.context) ? Events::EndHere : Events::Cross, far)) {
    turn_off(stream);
    return 0;
  }
  const bool is_hole = is_black_hole(line);
  bool is_v4 = line.connection.address.is_v4();
  if (is_hole)
    is_v4 = stream.is_anchored ? local_of(stream, from_).address.is_v4() : leg(from_).signalled.is_v4();
  if (line.connection.kind == SdpConnection::Kind::Address)
    if (const std::uint16_t refusal = anchor(at, is_v4); refusal != 0 || !stream.is_anchored) return refusal;
  stream.media = line.media;
  stream.profile = line.profile;
  stream.offered = offered_formats(line, far);
  offer_events(line, stream, far);
  StreamSideState& side = stream.sides[media::index_of(from_)];
  stream.key_offer = *key_offer;
  if (base_.empty()) stream.first_key_offer = *key_offer;
  const KeyReturn key_return = parts_.context.is_early ? KeyReturn::Allowed : KeyReturn::Never;
  take_offered_keys(line, keying, chosen, side.crypto, {parts_.keys, key_return});
  offer_keys(*key_offer, leg(to_), stream.sides[media::index_of(to_)].crypto, {parts_.keys, key_return});
  side.rtcp_mux = line.rtcp_mux;  // always accepted: the relay tells RTP and RTCP apart
  side.direction = is_hole ? MediaDirection{false, false} : line.direction;
  return hear(line, far, side);
}

// Nothing: the line can't go on, or could not come so.
std::optional<KeyOffer> SdpCrossing::key_offer_of(const MediaDescription& line, Keying keying,
                                                  const StreamState& stream) const noexcept {
  if (keying == Keying::Refused) return std::nullopt;
  if (!is_rtp(line.profile)) return KeyOffer::None;
  if (parts_.is_of_invite && stream.is_anchored) return stream.first_key_offer;
  return key_offer_to(leg(to_), stream.sides[media::index_of(to_)].crypto, keying);
}

// Keeps the ports that the stream has, when they suit, or takes new ones. Without an address of this family
// the line is turned off.
std::uint16_t SdpCrossing::anchor(std::size_t at, bool is_v4_near) {
  StreamState& stream = next_[at];
  const MediaKind kind = kind_of(parts_.came.media[at]);
  if (stream.is_anchored && stream.kind == kind && local_of(stream, from_).address.is_v4() == is_v4_near)
    return 0;
  const auto near = parts_.ports.address_of(leg(from_).realm, is_v4_near);
  const bool is_v4_far = leg(to_).signalled.is_v4();
  auto far = parts_.ports.address_of(leg(to_).realm, is_v4_far);
  if (!far) far = parts_.ports.address_of(leg(to_).realm, !is_v4_far);
  if (!near || !far) {
    turn_off(stream);
    return 0;
  }
  if (parts_.context.streams_made == 0xffff) return kNoRoom;  // a number is never given twice
  const bool is_caller_near = from_ == StreamSide::Caller;
  const auto ports = parts_.ports.take(leg(StreamSide::Caller).realm, is_caller_near ? *near : *far,
                                       leg(StreamSide::Callee).realm, is_caller_near ? *far : *near);
  if (!ports) return kNoRoom;
  SALLYPORT_CHECK(taken_.push_back(*ports));  // one for each line at most
  stream = {};
  stream.number = ++parts_.context.streams_made;
  stream.kind = kind;
  stream.is_anchored = true;
  stream.ports = *ports;
  return 0;
}

// Where it wants media, and which. The line is one that can be relayed, with a port.
std::uint16_t SdpCrossing::hear(const MediaDescription& line, const FarMedia& far, StreamSideState& side) {
  note_formats(line, far, side);
  return hear_place(line, side, is_renegotiated_);
}

std::uint16_t SdpCrossing::hear_place(const MediaDescription& line, StreamSideState& side,
                                      bool is_said_again) {
  if (is_black_hole(line)) return 0;  // where it was stays known
  if (line.connection.kind != SdpConnection::Kind::Address) return kNotAcceptable;
  const Endpoint remote{line.connection.address, line.port};
  const auto target = target_of(remote);
  if (!target) return kNotAcceptable;
  Endpoint rtcp{remote.address, static_cast<std::uint16_t>(line.port + 1)};  // 0 above the last: none
  if (side.rtcp_mux) {
    rtcp = remote;
  } else if (line.rtcp_port != 0) {  // RFC 3605 §2.1
    rtcp.port = line.rtcp_port;
    if (line.rtcp_connection.kind == SdpConnection::Kind::Unusable) return kNotAcceptable;
    if (line.rtcp_connection.kind == SdpConnection::Kind::Address)
      rtcp.address = line.rtcp_connection.address;
  }
  if (line.profile == SdpProfile::Udptl || rtcp.port == 0 || rtcp.address.is_unspecified() ||
      rtcp.address.is_v4() != remote.address.is_v4())
    rtcp = {};
  if (rtcp.port != 0) {
    const auto rtcp_target = target_of(rtcp);
    if (!rtcp_target) return kNotAcceptable;
    rtcp = *rtcp_target;
  }
  move_to(side, *target, rtcp, is_said_again);
  return 0;
}

// Where the relay sends what is to go to `said`; nothing: no place for media. A place of our own is one when
// another call has a stream there; a stream that led back into its own session would only go round. Threats
// P11, M11
std::optional<Endpoint> SdpCrossing::target_of(const Endpoint& said) const noexcept {
  if (parts_.targets.is_allowed(said)) return said;
  const auto own = parts_.targets.own_stream(leg(from_).realm, said, parts_.ports);
  if (!own || is_of_this_session(*own)) return std::nullopt;
  return own;
}

bool SdpCrossing::is_of_this_session(const Endpoint& own) const noexcept {
  const auto has = [&own](const Endpoint& local) {
    return local.address == own.address && local.port == (own.port & ~1);
  };
  const auto is_own = [&has](const StreamState& stream) {
    return has(stream.ports.caller) || has(stream.ports.callee);
  };
  return std::ranges::any_of(next_, is_own) || std::ranges::any_of(base_, is_own);
}

std::uint16_t SdpCrossing::answer(SdpStep step) {
  const auto& lines = parts_.came.media;
  if (lines.size() != base_.size()) return kNotAcceptable;  // RFC 3264 §6
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (const std::uint16_t refusal = answer_line(i, step); refusal != 0) return refusal;
    if (far_.media[i].is_live) show(i, false);
    far_.media[i].profile = next_[i].profile;
  }
  show_session();
  return 0;
}

std::uint16_t SdpCrossing::answer_line(std::size_t at, SdpStep step) {
  const MediaDescription& line = parts_.came.media[at];
  StreamState& stream = next_.emplace_back(base_[at]);
  FarMedia& far = *(far_.media.push_back({}) ? far_.media.end() - 1 : nullptr);
  if (line.media != stream.media || !is_of_kind(line.profile, stream.profile)) return kNotAcceptable;
  if (!stream.is_anchored || line.port == 0) {
    // A preview may still change, so that the ports are kept.
    if (step == SdpStep::Answer) turn_off(stream);
    return 0;
  }
  if (!is_relayable(line)) return kNotAcceptable;
  if (!choose_answered(line, leg(from_).profile->media.codecs, leg(to_).profile->media.codecs, stream.offered,
                       far))
    return kNotAcceptable;
  const bool is_hole = is_black_hole(line);
  if (!is_hole && line.connection.address.is_v4() != local_of(stream, from_).address.is_v4())
    return kNotAcceptable;
  const StreamSideState& offerer = stream.sides[media::index_of(to_)];
  StreamSideState& side = stream.sides[media::index_of(from_)];
  const KeyOffer offered = parts_.is_of_invite ? stream.first_key_offer : stream.key_offer;
  if (hear_answered_keys(line, offered, leg(from_), side.crypto) == Keying::Refused)
    return kNotAcceptable;  // threats M10
  side.rtcp_mux = line.rtcp_mux && offerer.rtcp_mux;
  side.direction = within(is_hole ? MediaDirection{false, false} : line.direction, offerer.direction);
  if (const std::uint16_t refusal = hear(line, far, side); refusal != 0) return refusal;
  stream.codec = codec_text(line, far);
  answer_events(line, stream, far);
  far.is_live = true;
  return 0;
}

// Of an offer of ours, which said again what this side had been sent: what may be different in the answer is
// where it wants its media, which way they go, and its keys. RFC 4028 §7.4, RFC 3264 §8
std::uint16_t SdpCrossing::refresh() {
  if (parts_.came.media.size() != base_.size()) return kNotAcceptable;  // RFC 3264 §6
  for (std::size_t i = 0; i < base_.size(); ++i)
    if (const std::uint16_t refusal = refresh_line(i); refusal != 0) return refusal;
  return 0;
}

std::uint16_t SdpCrossing::refresh_line(std::size_t at) {
  const MediaDescription& line = parts_.came.media[at];
  StreamState& stream = next_.emplace_back(base_[at]);
  if (line.media != stream.media || !is_of_kind(line.profile, stream.profile)) return kNotAcceptable;
  if (!stream.is_anchored) return 0;
  StreamSideState& side = stream.sides[media::index_of(from_)];
  if (line.port == 0) {  // the other side is not told, but nothing goes to who wants nothing
    side.direction = {false, false};
    return 0;
  }
  const bool is_hole = is_black_hole(line);
  if (!is_relayable(line) ||
      (!is_hole && line.connection.address.is_v4() != local_of(stream, from_).address.is_v4()) ||
      hear_refreshed_keys(line, side.crypto) == Keying::Refused)
    return kNotAcceptable;
  side.rtcp_mux = side.rtcp_mux && line.rtcp_mux;
  side.direction = within(is_hole ? MediaDirection{false, false} : line.direction,
                          stream.sides[media::index_of(to_)].direction);
  return hear_place(line, side, false);
}

// One side has its digits by INFO, the other one by events.
bool SdpCrossing::bridges_digits(const MediaDescription& line) const noexcept {
  return hides_events(line, parts_.context) && digits_of(from_) != digits_of(to_);
}

DtmfMode SdpCrossing::digits_of(StreamSide side) const noexcept {
  const DtmfMode mode = leg(side).profile->media.dtmf;
  return mode == DtmfMode::Info ? mode : DtmfMode::Rfc4733;
}

// A side for which RFC 4733 was asked by name has it whatever its codecs are.
bool SdpCrossing::may_have_events(StreamSide side) const noexcept {
  const ProfileMedia& media = leg(side).profile->media;
  return media.dtmf == DtmfMode::Rfc4733 || allows_events(media.codecs);
}

void SdpCrossing::offer_events(const MediaDescription& line, StreamState& stream,
                               FarMedia& far) const noexcept {
  StreamSideState& near = stream.sides[media::index_of(from_)];
  StreamSideState& other = stream.sides[media::index_of(to_)];
  const media::EventFormats shown_before = other.events_shown;
  near.events = other.events_shown = {};
  if (!bridges_digits(line)) {
    near.events_shown = other.events = {};
    return;
  }
  if (digits_of(from_) == DtmfMode::Info) {
    near.events_shown = {};
    if (may_have_events(to_)) far.events = other.events_shown = events_to_offer(line, far, shown_before);
  } else {
    other.events = {};
    if (may_have_events(from_)) near.events = listed_events(line);
  }
}

void SdpCrossing::answer_events(const MediaDescription& line, StreamState& stream,
                                FarMedia& far) const noexcept {
  if (!bridges_digits(line)) return;
  StreamSideState& near = stream.sides[media::index_of(from_)];
  StreamSideState& other = stream.sides[media::index_of(to_)];
  if (digits_of(from_) == DtmfMode::Info)
    far.events = other.events_shown = events_to_answer(line, far, other.events);
  else
    near.events = answered_events(line, near.events_shown);
}

void SdpCrossing::show(std::size_t at, bool is_offer) {
  const StreamState& stream = next_[at];
  FarMedia& far = far_.media[at];
  far.is_live = stream.is_anchored;
  if (!far.is_live) {
    far.format_count = 0;
    far.events.clear();
    return;
  }
  const Endpoint& own = local_of(stream, to_);
  far.shown = {shown_of(to_, own.address), own.port};
  far.profile = is_offer ? profile_for(stream.profile, stream.key_offer) : stream.profile;
  if (const CryptoBox& crypto = stream.sides[media::index_of(to_)].crypto; crypto && crypto->is_secured) {
    far.crypto = crypto->ours;
    if (const SdesAttribute* const agreed = is_offer ? nullptr : crypto->agreed(); agreed != nullptr) {
      far.crypto = {agreed, 1};
      far.crypto_tag = crypto->tag;
    }
  }
  far.direction = stream.sides[media::index_of(from_)].direction;
  if (is_offer && leg(to_).profile->media.hold == HoldMode::Inactive && !far.direction.receives)
    far.direction.sends = false;
  // Towards the answerer only what the offerer can; back to him what he asked for. RFC 5761 §5.1.1
  far.rtcp_mux =
      stream.kind == MediaKind::Rtp && stream.sides[media::index_of(is_offer ? from_ : to_)].rtcp_mux;
}

void SdpCrossing::show_session() {
  for (const FarMedia& media : far_.media)
    if (media.is_live) {
      far_.shown = media.shown.address;
      return;
    }
  const bool is_v4 = leg(to_).signalled.is_v4();
  auto own = parts_.ports.address_of(leg(to_).realm, is_v4);
  if (!own) own = parts_.ports.address_of(leg(to_).realm, !is_v4);
  far_.shown = own ? shown_of(to_, *own) : IpAddress{};
}

IpAddress SdpCrossing::shown_of(StreamSide side, const IpAddress& own) const noexcept {
  const RealmConfig* const facts = leg(side).facts;
  const AdvertiseConfig& advertise =
      (facts != nullptr ? *facts : parts_.config.realms[to_position(leg(side).realm)]).advertise;
  return (own.is_v4() ? advertise.ipv4 : advertise.ipv6).value_or(own);
}

std::vector<StreamState> SdpCrossing::commit() {
  taken_.clear();
  return std::move(next_);
}

}  // namespace sallyport::sip
