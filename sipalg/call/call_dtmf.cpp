// call_dtmf.cpp — digits between a side that has them in RTP and one that has them in INFO (media.dtmf): RFC
// 4733, RFC 6086.
//
// An INFO with a digit is answered here when the other side takes events, and goes to the relay; where it
// takes none the INFO passes as any other, and the other side may do with it what it can. A digit that the
// relay has heard becomes an INFO of our own, one after the other: an INFO may overtake the one before.
#include <algorithm>

#include "sipalg/body/dtmf_info.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/media/relay_orders.h"

namespace sallyport::sip {
namespace {

// What waits longer at the relay is of no use to anybody, and would find no room there.
constexpr Duration kDigitsAhead = 4s;
constexpr Duration kBetweenDigits = 100ms;  // at least so long the relay is busy beside the digit itself
constexpr Duration kShortestDigit = 40ms;

media::StreamSide stream_side(Side side) noexcept { return static_cast<media::StreamSide>(side); }

bool has_info(const Call& call, const Dialog& dialog) noexcept {
  const PeerSide* const peer = call.book->peer_side(dialog.peer);
  const ProfileConfig& profile = peer != nullptr ? peer->config->profile : call.book->stranger_profile;
  return profile.media.dtmf == DtmfMode::Info;
}

const StreamState* stream_for_digits(const MediaSession& session, media::StreamSide to) noexcept {
  const auto find = [to](const std::vector<StreamState>& streams) -> const StreamState* {
    for (const StreamState& stream : streams)
      if (stream.is_open && !stream.sides[media::index_of(to)].events.empty()) return &stream;
    return nullptr;
  };
  const StreamState* const stream = find(session.streams);
  return stream == nullptr && session.pending ? find(session.pending->streams) : stream;
}

}  // namespace

// A digit of a side that has it in INFO, for a side that takes events.
bool CallEngine::takes_digit(const SipMessage& request, const DialogPlace& place) noexcept {
  if (request.start.method != Method::Info || !is_dtmf(request)) return false;
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  const Dialog& far = place.fork->dialogs[index_of(other(place.side))];
  if (!has_info(*place.call, near) || has_info(*place.call, far)) return false;
  const Attempt* const attempt = attempt_numbered(*place.call, place.fork->attempt);
  return attempt != nullptr && stream_for_digits(attempt->media, stream_side(other(place.side))) != nullptr;
}

void CallEngine::take_digit(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  const auto digit = read_dtmf(arrival.request);
  if (!digit) return parts_.responder.answer_bad(arrival, "Bad Digit", out);
  const media::StreamSide to = stream_side(other(place.side));
  const Attempt* const attempt = attempt_numbered(call, place.fork->attempt);
  if (!call.digits) call.digits = DigitQueue{};
  Timestamp& busy_until = call.digits->busy_until[media::index_of(to)];
  busy_until = std::max(busy_until, arrival.now);
  if (busy_until - arrival.now > kDigitsAhead) return parts_.responder.answer(arrival, 500, out, 1);
  const Duration length = std::chrono::milliseconds(digit->duration_ms);
  busy_until += std::max(length, kShortestDigit) + kBetweenDigits;
  const MediaContext context = media_context(call, *attempt, out);
  give_order(media::MediaCommand::Kind::SendDigit, *stream_for_digits(attempt->media, to), context,
             parts_.config, attempt->media.has_answer);
  context.commands.back().digit_to = to;
  context.commands.back().digit = *digit;
  parts_.responder.answer_done(arrival, 200, {call.number, 0, kBye, call.shard}, out);
}

void CallEngine::on_digit(Call& call, const media::MediaNotice& notice, Turn turn) {
  if (call.state == CallState::Ended || notice.digit.event > media::kFlashEvent) return;
  if (!call.digits) call.digits = DigitQueue{};
  std::vector<DigitQueue::Waiting>& waiting = call.digits->waiting;
  if (waiting.size() >= kDigitsWaitingMax) return;
  waiting.push_back({media::other(notice.side), notice.digit});
  send_digits(call, turn);
}

// The dialog in which it is told: of the answered call, or of the target that was heard last.
Fork* CallEngine::fork_for_digits(Call& call, Side to) {
  Fork* const fork = call.state == CallState::Answered ? fork_numbered(call, call.answered_fork)
                     : call.forks.empty()              ? nullptr
                                                       : &call.forks.back();
  if (fork == nullptr) return nullptr;
  const Dialog& dialog = fork->dialogs[index_of(to)];
  const bool is_open =
      dialog.state == DialogState::Confirmed || (dialog.state == DialogState::Early && to == Side::Callee);
  const bool takes_info = has_info(call, dialog) && call.book->neighbour_of(dialog.peer).allows("INFO");
  return is_open && takes_info ? fork : nullptr;
}

// The next one, when the one before was answered. What can't be sent now is not sent later.
void CallEngine::send_digits(Call& call, Turn turn) {
  if (!call.digits || call.state == CallState::Ended) return;
  std::vector<DigitQueue::Waiting>& waiting = call.digits->waiting;
  while (!waiting.empty()) {
    if (std::ranges::any_of(call.exchanges,
                            [](const Exchange& exchange) { return exchange.errand == Errand::Dtmf; }))
      return;
    const DigitQueue::Waiting next = waiting.front();
    waiting.erase(waiting.begin());
    const auto to = static_cast<Side>(next.to);
    Fork* const fork = fork_for_digits(call, to);
    if (fork == nullptr) continue;
    std::array<char, kDtmfBodyMax> room;
    const BodyPart body{"application/dtmf-relay", write_dtmf_relay(room, next.digit)};
    if (send_own(call, *fork, to, {.method = "INFO", .errand = Errand::Dtmf, .body = body}, turn)) return;
  }
}

// A dialog that is gone ends the call, as with an INFO that was passed on. RFC 5057 §5.1
void CallEngine::on_digit_answered(Call& call, const Exchange& exchange, std::uint16_t code, Turn turn) {
  if (code != 481 || call.state != CallState::Answered) return send_digits(call, turn);
  const Side lost = other(exchange.from);
  note(call, turn.now, CallStep::DialogLost, static_cast<std::uint16_t>(lost), code);
  end_call(call, {lost == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "dialog_lost"}, turn);
}

}  // namespace sallyport::sip
