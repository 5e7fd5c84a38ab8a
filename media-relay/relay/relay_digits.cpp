// relay_digits.cpp — digits of a stream one side of which has them by signalling: events of the other side
// end here and are told, and events are sent to it in the place of voice. RFC 4733 §2.5.
//
// Streams with a digit on its way are in a list, of which each tick looks at a part. An ordinary packet knows
// nothing of all this before the first digit was sent to its other side.
#include <algorithm>
#include <utility>

#include "media-relay/relay/relay.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {
namespace {

constexpr std::array kBothSides{StreamSide::Caller, StreamSide::Callee};
constexpr std::uint32_t kServedMax = 64;  // streams in one tick

}  // namespace

StreamDigits& Relay::digits_of(std::uint32_t slot) noexcept {
  StreamState& stream = streams_[slot];
  if (!stream.has_digits) {
    stream.has_digits = true;
    digits_[slot] = StreamDigits{};
  }
  return digits_[slot];
}

void Relay::queue_digits(std::uint32_t slot) noexcept {
  StreamDigits& digits = digits_of(slot);
  if (digits.is_in_busy) return;
  digits.is_in_busy = true;
  digits.next_busy = kNoSlot;
  (first_digits_ == kNoSlot ? first_digits_ : digits_[last_digits_].next_busy) = slot;
  last_digits_ = slot;
  ++digits_listed_;
}

// Before the slot is another stream's.
void Relay::forget_digits(std::uint32_t slot) noexcept {
  if (!streams_[slot].has_digits) return;
  streams_[slot].has_digits = false;
  if (digits_[slot].is_in_busy) {
    for (std::uint32_t at = std::exchange(first_digits_, kNoSlot), next; at != kNoSlot; at = next) {
      next = std::exchange(digits_[at].next_busy, kNoSlot);
      if (at == slot) {
        --digits_listed_;
        continue;
      }
      (first_digits_ == kNoSlot ? first_digits_ : digits_[last_digits_].next_busy) = at;
      last_digits_ = at;
    }
  }
  if (!digits_[slot].is_in_due) return;
  for (std::uint32_t at = std::exchange(first_due_, kNoSlot), next; at != kNoSlot; at = next) {
    next = std::exchange(digits_[at].next_due, kNoSlot);
    if (at == slot) continue;
    (first_due_ == kNoSlot ? first_due_ : digits_[last_due_].next_due) = at;
    last_due_ = at;
  }
}

// A packet of a payload type by which this side sends its digits.
RelayResult Relay::on_event(const Packet& packet, const EventFormat& format) noexcept {
  using enum MediaDropReason;
  HotFlow& flow = flow_of(packet.slot, packet.side);
  SideState& side = streams_[packet.slot].sides[index_of(packet.side)];
  const auto event = read_event(packet.payload);
  if (!event) return drop(packet, BadLength);
  if (!flow.is_source(packet.source))
    if (const auto reason = learn(packet)) return drop(packet, *reason);
  flow.heard_at = packet.now;
  const std::uint8_t* const bytes = packet.payload.data();
  const RtpNumbers numbers{
      .ssrc = read_u32(bytes + 8), .sequence = read_u16(bytes + 2), .timestamp = read_u32(bytes + 4)};
  on_ssrc(packet.slot, side, numbers.ssrc);
  flow.sequence.on_sequence(numbers, side.totals);
  if ((flow.gate & kGateHold) != 0) return drop(packet, WrongDirection);
  const std::size_t octets = packet.payload.size() + flow.header_bytes_in();
  if (!flow.policer.allow(packet.now, octets)) return drop(packet, PolicedFlow);
  RealmState& from = realm(flow.realm);
  if (from.in.is_spent(packet.now)) return drop(packet, PolicedRealm);
  from.in.charge(packet.now, octets);
  from.counters.packets_in.add();
  from.counters.bytes_in.add(octets);
  EventReceiver& receiver = digits_of(packet.slot).heard[index_of(packet.side)];
  receiver.on_packet({.now = packet.now,
                      .rtp = numbers,
                      .is_marked = (bytes[1] & 0x80) != 0,
                      .event = *event,
                      .clock_rate = format.clock_rate});
  if (receiver.is_busy()) queue_digits(packet.slot);
  return {.kind = RelayResult::Kind::Consumed};
}

// A digit that has no way to go is no error: a hold or an answer may have come in between.
bool Relay::send_digit(const MediaCommand& command) noexcept {
  const std::uint32_t slot = find_stream(command);
  if (slot == kNoSlot || streams_[slot].phase != StreamState::Phase::Open ||
      command.digit.event > kFlashEvent || command.digit_to > StreamSide::Callee)
    return false;
  if (!can_send_digits(slot, command.digit_to)) return true;
  (void)digits_of(slot).sent[index_of(command.digit_to)].add(command.digit);
  queue_digits(slot);
  return true;
}

bool Relay::can_send_digits(std::uint32_t slot, StreamSide towards) noexcept {
  const StreamState& stream = streams_[slot];
  return stream.media == MediaKind::Rtp && !stream.sides[index_of(towards)].settings.events_taken.empty() &&
         (flow_of(slot, other(towards)).gate & (kGateClosed | kGateHold | kGateNoDestination)) == 0;
}

void Relay::serve_digits(Timestamp now, NoticeSink& sink) noexcept {
  for (std::uint32_t left = std::min(digits_listed_, kServedMax); left != 0; --left) {
    const std::uint32_t slot = first_digits_;
    StreamDigits& digits = digits_[slot];
    first_digits_ = digits.next_busy;
    digits.is_in_busy = false;
    --digits_listed_;
    if (streams_[slot].phase == StreamState::Phase::Open && serve_digits_of(now, slot, sink))
      queue_digits(slot);
  }
}

// True: there is more to come.
bool Relay::serve_digits_of(Timestamp now, std::uint32_t slot, NoticeSink& sink) noexcept {
  StreamDigits& digits = digits_[slot];
  bool is_busy = false;
  for (const StreamSide which : kBothSides) {
    EventReceiver& receiver = digits.heard[index_of(which)];
    receiver.on_time(now);
    while (receiver.has_digit() && tell_digit(slot, which, receiver.digit(), sink)) receiver.take_digit();
    EventSender& sender = digits.sent[index_of(which)];
    if (sender.is_due(now)) {
      digits.is_due[index_of(which)] = true;
      queue_due(slot);
    }
    is_busy |= receiver.is_busy() || sender.is_busy();
  }
  return is_busy;
}

bool Relay::tell_digit(std::uint32_t slot, StreamSide side, const Digit& digit, NoticeSink& sink) noexcept {
  const StreamState& stream = streams_[slot];
  return sink.take({.kind = MediaNotice::Kind::Digit,
                    .side = side,
                    .shard = stream.shard,
                    .key = stream.key,
                    .sides = {},
                    .digit = digit});
}

void Relay::queue_due(std::uint32_t slot) noexcept {
  StreamDigits& digits = digits_[slot];
  if (digits.is_in_due) return;
  digits.is_in_due = true;
  digits.next_due = kNoSlot;
  (first_due_ == kNoSlot ? first_due_ : digits_[last_due_].next_due) = slot;
  last_due_ = slot;
}

std::optional<RelayResult> Relay::next_event_packet(Timestamp now, std::uint8_t* buffer) noexcept {
  while (first_due_ != kNoSlot) {
    const std::uint32_t slot = first_due_;
    StreamDigits& digits = digits_[slot];
    for (const StreamSide which : kBothSides) {
      if (!std::exchange(digits.is_due[index_of(which)], false)) continue;
      if (streams_[slot].phase == StreamState::Phase::Open && write_event_packet(now, slot, which, buffer))
        return to_event_flow(now, slot, which);
    }
    digits.is_in_due = false;
    first_due_ = digits.next_due;
  }
  return std::nullopt;
}

bool Relay::write_event_packet(Timestamp now, std::uint32_t slot, StreamSide which,
                               std::uint8_t* to) noexcept {
  EventSender& sender = digits_[slot].sent[index_of(which)];
  if (!can_send_digits(slot, which)) {
    sender.clear();
    if (sender.is_to_begin()) return false;
  } else if (sender.is_to_begin()) {
    begin_event(now, slot, which, sender);
  }
  sender.write(now, to);
  return can_send_digits(slot, which);
}

// In the place of the other side's voice, or with numbers of our own as long as there is none.
void Relay::begin_event(Timestamp now, std::uint32_t slot, StreamSide which, EventSender& sender) noexcept {
  HotFlow& voice = flow_of(slot, other(which));
  const EventFormats& formats = streams_[slot].sides[index_of(which)].settings.events_taken;
  const EventFormat* format = formats.begin();
  for (const EventFormat& each : formats)
    if (each.clock_rate == voice.sequence.clock_rate()) format = &each;  // RFC 4733 §2.1
  std::uint32_t timestamp = 0;
  const std::uint32_t own = own_ssrc(slot, which);
  if (!voice.sequence.timestamp_at(now, timestamp)) {
    const auto ms = static_cast<std::uint64_t>(now.time_since_epoch().count()) / 1'000'000;
    timestamp = own + static_cast<std::uint32_t>(ms * format->clock_rate / 1000);
  }
  const bool is_heard = voice.sequence.has_source();
  sender.begin(now,
               {.ssrc = is_heard ? voice.sequence.ssrc() : own,
                .sequence = static_cast<std::uint16_t>(is_heard ? voice.sequence.highest() : random()),
                .timestamp = timestamp,
                .is_heard = is_heard},
               *format);
  voice.gate |= kGateDigits;
}

// Secured streams are protected behind this, as voice is: what has a number of its own here.
RelayResult Relay::to_event_flow(Timestamp now, std::uint32_t slot, StreamSide which) noexcept {
  const SideState& side = streams_[slot].sides[index_of(which)];
  RealmState& into = realm(side.settings.realm);
  const std::size_t bytes = kEventPacketBytes + flow_of(slot, other(which)).header_bytes_out();
  into.out.charge(now, bytes);
  into.counters.packets_out.add();
  into.counters.bytes_out.add(bytes);
  return {.kind = RelayResult::Kind::Forward,
          .payload_changed = true,
          .length = kEventPacketBytes,
          .out = static_cast<OutFlow>(slot * 4 + index_of(which) * 2),
          .out_version = side.rtp_version};
}

// Of voice to a side that digits are, or were, sent to. False: one is sent in its place.
bool Relay::make_room_for_digits(const Packet& packet, bool& is_changed) noexcept {
  std::uint8_t* const bytes = packet.payload.data();
  std::uint16_t sequence = read_u16(bytes + 2);
  const std::uint16_t came = sequence;
  EventSender& sender = digits_[packet.slot].sent[index_of(other(packet.side))];
  if (!sender.pass(packet.now, read_u32(bytes + 8), sequence)) return false;
  is_changed = sequence != came;
  if (is_changed) write_u16(bytes + 2, sequence);
  return true;
}

}  // namespace sallyport::media
