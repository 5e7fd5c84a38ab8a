// relay_commands.cpp — open, update, close, ask: RFC 3264 §8 (a stream may change in many ways, and goes on);
// RFC 7362 (signalling alone makes the relay learn again); threats M9 (quarantine).
#include <algorithm>

#include "media-relay/relay/relay.h"

namespace sallyport::media {
namespace {

constexpr std::array kBothSides{StreamSide::Caller, StreamSide::Callee};
constexpr Duration kStillSending = 2s;  // before its port is given back

// RTP payload types of this side that are relayed, a bit for each. With RTCP on the same port those that look
// like RTCP are none. RFC 5761 §4
std::array<std::uint64_t, 2> payload_bits(const MediaSideSettings& settings) noexcept {
  constexpr std::uint64_t kLooksLikeRtcp = 0xffffffffu;  // 64..95
  std::array<std::uint64_t, 2> bits{};
  const auto without_events = [&settings](std::array<std::uint64_t, 2> all) {
    for (const EventFormat& format : settings.events_heard)
      all[format.number >> 6 & 1] &= ~(std::uint64_t{1} << (format.number & 63));
    return all;
  };
  if (settings.payload_count == 0) return without_events({~std::uint64_t{0}, ~kLooksLikeRtcp});
  for (std::size_t i = 0; i < settings.payload_count; ++i) {
    const std::uint8_t number = settings.payloads[i].number & 0x7f;
    bits[number >> 6] |= std::uint64_t{1} << (number & 63);
  }
  if (settings.rtcp_mux) bits[1] &= ~kLooksLikeRtcp;
  return without_events(bits);
}

}  // namespace

void Relay::apply(Timestamp now, const MediaCommand& command) noexcept {
  bool is_done = false;
  if (is_sound(command)) {
    switch (command.kind) {
      case MediaCommand::Kind::Open:
        is_done = open(now, command);
        break;
      case MediaCommand::Kind::Update:
        is_done = update(now, command);
        break;
      case MediaCommand::Kind::Close:
        is_done = close(now, command);
        break;
      case MediaCommand::Kind::SendDigit:
        is_done = send_digit(command);
        break;
      case MediaCommand::Kind::Ask:
        is_done = ask(command);
        break;
    }
  }
  if (!is_done) counters_.commands_refused.add();
}

bool Relay::is_sound(const MediaCommand& command) const noexcept {
  for (const MediaSideSettings& side : command.sides) {
    if (to_position(side.realm) >= realms_.size() || side.payload_count > kPayloadsMax ||
        side.local.port % 2 != 0 || side.local.port == 0 || !number_of(side.realm, side.local.address))
      return false;
  }
  return true;
}

std::optional<std::uint16_t> Relay::number_of(RealmIndex realm, const IpAddress& address) const noexcept {
  for (const OwnAddress& own : of_today_->addresses)
    if (own.realm == realm && own.address == address) return own.number;
  return std::nullopt;
}

// kNoSlot: those ports have no such stream.
std::uint32_t Relay::find_stream(const MediaCommand& command) const noexcept {
  std::uint32_t found = kNoSlot;
  for (const StreamSide side : kBothSides) {
    const MediaSideSettings& settings = command.sides[index_of(side)];
    const FlowRef flow = find(*number_of(settings.realm, settings.local.address), settings.local.port);
    if (!flow.is_flow() || StreamSide((flow.value >> 1) & 1) != side) return kNoSlot;
    const std::uint32_t slot = (flow.value >> 2) - 1;
    const StreamState& stream = streams_[slot];
    if (!(stream.key == command.key) || stream.sides[index_of(side)].settings.realm != settings.realm ||
        (found != kNoSlot && found != slot))
      return kNoSlot;
    found = slot;
  }
  return found;
}

bool Relay::open(Timestamp now, const MediaCommand& command) noexcept {
  std::array<std::uint16_t, 2> numbers{};
  for (const StreamSide side : kBothSides) {
    const MediaSideSettings& settings = command.sides[index_of(side)];
    numbers[index_of(side)] = *number_of(settings.realm, settings.local.address);
    if (find(numbers[index_of(side)], settings.local.port).is_flow()) return false;
  }
  if (numbers[0] == numbers[1] && command.sides[0].local.port == command.sides[1].local.port) return false;
  std::uint32_t slot = first_free_;
  if (slot != kNoSlot) {
    first_free_ = streams_[slot].next_free;
  } else if (slots_used_ < setup_.streams_max) {
    slot = slots_used_++;
  } else {
    return false;
  }
  StreamState& stream = streams_[slot] = StreamState{};
  stream.key = command.key;
  stream.shard = command.shard;
  stream.media = command.media;
  stream.phase = StreamState::Phase::Open;
  stream.own_addresses = numbers;
  stream.reported_at = now;
  for (const StreamSide side : kBothSides) flow_of(slot, side) = HotFlow{};
  for (const StreamSide side : kBothSides) {
    set_side(now, slot, side, command.sides[index_of(side)]);
    stream.sides[index_of(side)].former =
        former_.find(numbers[index_of(side)], command.sides[index_of(side)].local.port);
  }
  set_ports(slot, true);
  const bool has_keys = set_keys(now, slot, command);
  refresh(slot);
  deadlines_[slot] = now;
  counters_.streams_open.add();
  return has_keys;
}

bool Relay::update(Timestamp now, const MediaCommand& command) noexcept {
  const std::uint32_t slot = find_stream(command);
  if (slot == kNoSlot || streams_[slot].phase != StreamState::Phase::Open) return false;
  StreamState& stream = streams_[slot];
  stream.media = command.media;
  stream.shard = command.shard;
  for (const StreamSide side : kBothSides) set_side(now, slot, side, command.sides[index_of(side)]);
  const bool has_keys = set_keys(now, slot, command);
  refresh(slot);
  deadlines_[slot] = std::min(deadlines_[slot], now);
  return has_keys;
}

// False: a key found no room. The stream is there all the same, to be closed as any other, and passes nothing
// to or from that side.
bool Relay::set_keys(Timestamp now, std::uint32_t slot, const MediaCommand& command) noexcept {
  StreamState& stream = streams_[slot];
  if (!stream.has_keys) {
    if (!command.keys[0].is_secured && !command.keys[1].is_secured) return true;
    stream.has_keys = true;
    secured_.begin(slot);
  }
  bool has_all = true;
  for (const StreamSide side : kBothSides)
    has_all &= secured_.set(now, slot, side, command.keys[index_of(side)],
                            command.sides[index_of(side)].packets_per_second);
  counters_.streams_secured.set(secured_.count());
  return has_all;
}

void Relay::forget_keys(std::uint32_t slot) noexcept {
  if (!streams_[slot].has_keys) return;
  secured_.end(slot);
  streams_[slot].has_keys = false;
  counters_.streams_secured.set(secured_.count());
}

void Relay::set_side(Timestamp now, std::uint32_t slot, StreamSide which,
                     const MediaSideSettings& settings) noexcept {
  StreamState& stream = streams_[slot];
  SideState& side = stream.sides[index_of(which)];
  HotFlow& flow = flow_of(slot, which);
  const bool is_new = side.rtp_version == 0;
  const bool is_moved = !is_new && side.settings.learning != settings.learning;
  if (settings.expects_packets && (is_new || !side.settings.expects_packets || is_moved))
    side.expected_since = now;
  const bool is_same_place =
      side.settings.remote == settings.remote && side.settings.remote_rtcp == settings.remote_rtcp;
  side.settings = settings;
  if (is_new)
    learn_from_before(side);
  else
    learn_from_settings(side, is_moved, is_same_place);
  side.rtp_version = new_version();
  side.rtcp_version = new_version();
  flow.realm = settings.realm;
  flow_of(slot, other(which)).realm_out = settings.realm;
  const bool is_v4 = settings.local.address.is_v4();
  flow.is_v6 = static_cast<std::uint8_t>((flow.is_v6 & 2) | (is_v4 ? 0 : 1));
  HotFlow& far = flow_of(slot, other(which));
  far.is_v6 = static_cast<std::uint8_t>((far.is_v6 & 1) | (is_v4 ? 0 : 2));
  flow.payloads = payload_bits(settings);
  flow.policer.set(settings.packets_per_second, settings.bytes_per_second);
}

// Restored streams: learned before the restart.
void Relay::learn_from_before(SideState& side) noexcept {
  const MediaSideSettings& settings = side.settings;
  if (settings.latched.port != 0) side.rtp_latch.lock(settings.latched, rtp_rank(settings.latched, side));
  if (settings.latched_rtcp.port != 0)
    side.rtcp_latch.lock(settings.latched_rtcp, rtcp_rank(settings.latched_rtcp, side));
}

// What new settings mean for whom we believe.
void Relay::learn_from_settings(SideState& side, bool is_moved, bool is_same_place) noexcept {
  const MediaSideSettings& settings = side.settings;
  if (is_moved && !(side.rtp_latch.is_locked() && side.rtp_latch.source() == settings.remote))
    side.rtp_latch.learn_again(is_same_place);
  if (is_moved && !(side.rtcp_latch.is_locked() && side.rtcp_latch.source() == settings.remote_rtcp))
    side.rtcp_latch.learn_again(is_same_place);
  if (side.rtp_latch.is_locked()) side.rtp_latch.rank_again(rtp_rank(side.rtp_latch.source(), side));
  if (side.rtcp_latch.is_locked()) side.rtcp_latch.rank_again(rtcp_rank(side.rtcp_latch.source(), side));
}

bool Relay::close(Timestamp now, const MediaCommand& command) noexcept {
  const std::uint32_t slot = find_stream(command);
  if (slot == kNoSlot || streams_[slot].phase != StreamState::Phase::Open) return false;
  StreamState& stream = streams_[slot];
  stream.phase = StreamState::Phase::Closed;
  forget_keys(slot);
  stream.shard = command.shard;
  stream.closed_at = now;
  stream.quarantine = std::clamp<Duration>(command.quarantine, 0s, kQuarantineMax);
  refresh(slot);
  deadlines_[slot] = now + kFinalAfter;
  counters_.streams_open.set(counters_.streams_open.value() - 1);
  counters_.streams_closed.add();
  return true;
}

// The next tick tells. Of a closed stream its Final does.
bool Relay::ask(const MediaCommand& command) noexcept {
  const std::uint32_t slot = find_stream(command);
  if (slot == kNoSlot || streams_[slot].phase != StreamState::Phase::Open) return false;
  streams_[slot].is_asked = true;
  queue_untold(slot);
  return true;
}

void Relay::set_ports(std::uint32_t slot, bool is_in_use) noexcept {
  const StreamState& stream = streams_[slot];
  for (const StreamSide side : kBothSides) {
    std::vector<std::uint32_t>& ports = ports_[stream.own_addresses[index_of(side)]];
    const std::uint16_t port = stream.sides[index_of(side)].settings.local.port;
    const auto ref = static_cast<std::uint32_t>((slot + 1) << 2 | index_of(side) << 1);
    ports[port] = is_in_use ? ref : 0;
    ports[port + 1u] = is_in_use ? ref | 1u : 0;
  }
}

// The ports lead nowhere before another call may have them.
void Relay::free_stream(Timestamp now, std::uint32_t slot) noexcept {
  StreamState& stream = streams_[slot];
  set_ports(slot, false);
  forget_digits(slot);
  for (const StreamSide which : kBothSides) {
    const SideState& side = stream.sides[index_of(which)];
    if (side.after_close == 0 || now - flow_of(slot, which).heard_at > kStillSending) continue;
    former_.note(stream.own_addresses[index_of(which)], side.settings.local.port,
                 {destination(side, false), side.ssrcs[0]});
  }
  if (setup_.ports != nullptr)
    for (const SideState& side : stream.sides)
      setup_.ports->give_back(side.settings.realm, side.settings.local);
  stream.phase = StreamState::Phase::Free;
  stream.next_free = first_free_;
  first_free_ = slot;
  deadlines_[slot] = Timestamp::max();
  counters_.streams_closed.set(counters_.streams_closed.value() - 1);
}

}  // namespace sallyport::media
