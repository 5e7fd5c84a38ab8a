// call_session.cpp — session timers of both legs, apart from each other (RFC 4028), and the names by which a
// session is found on both (RFC 7989).
#include <algorithm>

#include "sipalg/call/call_engine.h"
#include "sipalg/engine/request_views.h"

namespace sallyport::sip {
namespace {

constexpr Duration kWhileBusy = std::chrono::seconds(2);     // another request of the dialog is on its way
constexpr Duration kUnlessTold = std::chrono::seconds(10);   // after a failure that says nothing of time
constexpr Duration kLongestTold = std::chrono::seconds(60);  // of Retry-After

// Some offer, some INVITE or its ACK is on its way in these dialogs. RFC 3261 §14.1
bool is_busy(const Call& call, const Fork& fork) noexcept {
  if (!call.held.empty() || fork.awaited[0] || fork.awaited[1]) return true;
  return std::ranges::any_of(call.exchanges, [&fork](const Exchange& exchange) {
    return exchange.fork == fork.number &&
           (exchange.method == Method::Invite || exchange.method == Method::Update);
  });
}

// RFC 3261 §14.1: whoever made the Call-ID waits longer.
Duration after_glare(Side side, std::uint64_t chance) noexcept {
  using std::chrono::milliseconds;
  return side == Side::Callee ? milliseconds(2100 + chance % 1900) : milliseconds(chance % 2000);
}

}  // namespace

// UPDATE without an offer, by which a side refreshes the session of its own leg. RFC 4028 §7.4
bool CallEngine::is_refresh_for_us(const SipMessage& request, const DialogPlace& place) const noexcept {
  if (request.start.method != Method::Update || !request.body.empty() ||
      place.call->state != CallState::Answered)
    return false;
  const Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  if (dialog.state != DialogState::Confirmed) return false;
  return place.call->book->neighbour_of(dialog.peer).session_seconds != 0 &&
         (place.fork->timers[index_of(place.side)] || session_wish(request).seconds);
}

std::string CallEngine::agree_session(Call& call, Fork& fork, Side with, const SessionWish& wish,
                                      Timestamp now) {
  const std::size_t at = index_of(with);
  const Dialog& dialog = fork.dialogs[at];
  Boxed<SessionTimer>& timer = fork.timers[at];
  const SessionTimer* const before = timer ? &*timer : nullptr;
  auto agreed = agreed_as_uas(wish, call.book->neighbour_of(dialog.peer).session_seconds, before);
  if (!agreed) {
    timer.reset();
    return {};
  }
  begin(*agreed, now);
  timer = *agreed;
  return lines_for_answer(*agreed, wish);
}

void CallEngine::take_session(Call& call, Fork& fork, Side of, const SipMessage& response, Timestamp now) {
  const std::size_t at = index_of(of);
  Boxed<SessionTimer>& timer = fork.timers[at];
  const bool is_on = call.book->neighbour_of(fork.dialogs[at].peer).session_seconds != 0;
  auto agreed = is_on ? agreed_as_uac(session_wish(response), timer ? &*timer : nullptr) : std::nullopt;
  if (!agreed) return timer.reset();  // RFC 4028 §7.2
  if (const Attempt* const attempt = attempt_numbered(call, fork.attempt); attempt != nullptr && !timer)
    agreed->min_seconds = std::max(agreed->min_seconds, attempt->min_session_seconds);
  begin(*agreed, now);
  timer = *agreed;
}

// The next one that is passed on asks for more; whoever sent this one tries again by itself. RFC 4028 §7.3
std::uint16_t CallEngine::on_small_interval(Fork& fork, Side of, const SipMessage* response) {
  Boxed<SessionTimer>& timer = fork.timers[index_of(of)];
  if (!timer || response == nullptr) return 500;
  return raise(timer->seconds, timer->min_seconds, timer->small_intervals, session_wish(*response))
             ? std::uint16_t{491}
             : std::uint16_t{500};
}

// The same INVITE with a longer interval: Call-ID, From and To stay, CSeq is the next. RFC 4028 §7.3
bool CallEngine::try_longer_session(Call& call, Attempt& attempt, const SipMessage& response, Turn turn) {
  if (response.start.status_code != 422 || !is_wanted(call, attempt)) return false;
  if (!raise(attempt.session_seconds, attempt.min_session_seconds, attempt.small_intervals,
             session_wish(response)))
    return false;
  std::erase_if(call.forks, [&](const Fork& fork) { return fork.attempt == attempt.number; });
  close_exchanges(call, Which::OfLostForks, turn);
  close_media(call, attempt, turn.out);
  note(call, turn.now, CallStep::LongerSession, static_cast<std::uint16_t>(attempt.peer),
       static_cast<std::uint16_t>(std::min<std::uint32_t>(attempt.session_seconds, 0xffff)));
  attempt.has_provisional = false;
  attempt.setup_until = turn.now + call.book->peer_side(attempt.peer)->config->profile.timers.setup;
  attempt.timer_c = turn.now + kTimerC;
  return send_invite(call, attempt, turn.now, turn.out) == 0;
}

// Where UPDATE is not taken, a re-INVITE must say again what the session is. RFC 4028 §7.4
bool CallEngine::may_need_sdp(const Call& call, Side side) noexcept {
  if (call.state == CallState::Trying || call.transfer) return true;
  for (const Fork& fork : call.forks)
    if (fork.number == call.answered_fork)
      return fork.timers[index_of(side)].has_value() &&
             !fork.dialogs[index_of(side)].far_methods.has(Method::Update);
  return false;
}

// An offer counts when it is answered.
void CallEngine::keep_sdp(const SdpWay& way, std::string_view sdp) {
  const Side to = other(way.from);
  if (way.step == SdpStep::Offer) {
    way.attempt.offered_sdp = may_need_sdp(way.call, to) ? sdp : std::string_view();
  } else if (way.step == SdpStep::Answer) {
    if (may_need_sdp(way.call, to)) way.attempt.sent_sdp[index_of(to)] = sdp;
    std::string& offered = way.attempt.offered_sdp;
    if (!offered.empty()) way.attempt.sent_sdp[index_of(way.from)] = std::exchange(offered, {});
  }
}

void CallEngine::shed_sdp(Call& call, const Fork& fork) {
  for (Attempt& attempt : call.attempts) {
    bool is_needed = false;
    for (const Side side : {Side::Caller, Side::Callee})
      if (attempt.number == fork.attempt && may_need_sdp(call, side))
        is_needed = true;
      else
        std::string().swap(attempt.sent_sdp[index_of(side)]);
    if (!is_needed) std::string().swap(attempt.offered_sdp);
  }
}

void CallEngine::on_session_times(Call& call, Turn turn) {
  for (const Side side : {Side::Caller, Side::Callee}) {
    Fork* const fork = fork_numbered(call, call.answered_fork);
    if (fork == nullptr || call.state != CallState::Answered) return;
    Boxed<SessionTimer>& timer = fork->timers[index_of(side)];
    if (!timer || timer->due > turn.now) continue;
    turn.now < end_of(*timer) ? refresh_session(call, *fork, side, turn)
                              : end_session(call, *fork, side, turn);
  }
}

void CallEngine::refresh_session(Call& call, Fork& fork, Side side, Turn turn) {
  SessionTimer& timer = *fork.timers[index_of(side)];
  if (is_busy(call, fork)) return postpone(timer, turn.now, kWhileBusy);
  const Attempt* const attempt = attempt_numbered(call, fork.attempt);
  const bool has_update = fork.dialogs[index_of(side)].far_methods.has(Method::Update);
  OwnRequest refresh{.method = "UPDATE", .errand = Errand::Refresh};
  if (!has_update && attempt != nullptr && !attempt->sent_sdp[index_of(side)].empty()) {
    refresh.method = "INVITE";
    refresh.body = {"application/sdp", attempt->sent_sdp[index_of(side)]};
  }
  if (!send_own(call, fork, side, refresh, turn)) return postpone(timer, turn.now, kWhileBusy);
  timer.due = end_of(timer);
}

// RFC 4028 §7.3, §10; RFC 3261 §14.1
void CallEngine::on_refreshed(Call& call, const Exchange& exchange, std::uint16_t code,
                              const SipMessage* response, Turn turn) {
  const Side side = other(exchange.from);
  Fork* const fork = fork_numbered(call, exchange.fork);
  if (fork == nullptr) return;
  if (exchange.method == Method::Invite && code / 100 == 2) {
    parts_.clients.retag(exchange.client, tag_name(fork->dialogs[index_of(side)].remote_tag), kSettled);
    send_ack(call, *fork, side, {exchange.far_cseq}, turn);
    if (call.state == CallState::Answered && response != nullptr &&
        !hear_refresh({&call, fork, side}, *response, turn.out))
      return end_call(call, {EndedBy::Sallyport, "bad_answer"}, turn);
  }
  Boxed<SessionTimer>& timer = fork->timers[index_of(side)];
  if (call.state != CallState::Answered || !timer) return;
  if (code / 100 == 2) return;  // take_session() has begun it anew
  const bool is_gone = code == 481 || code == 408;
  if (is_gone && !call.is_emergency) {
    note(call, turn.now, CallStep::DialogLost, static_cast<std::uint16_t>(side), code);
    return end_call(call, {side == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "dialog_lost"}, turn);
  }
  // It is there, and has no use for this; or, in an emergency, it is left alone.
  if (is_gone || code == 405 || code == 501 || response == nullptr) {
    if (code != 503) return timer.reset();
    return postpone(*timer, turn.now, kUnlessTold);
  }
  if (code == 422 &&
      raise(timer->seconds, timer->min_seconds, timer->small_intervals, session_wish(*response)))
    return refresh_session(call, *fork, side, turn);
  Duration wait = kUnlessTold;
  if (code == 491) wait = after_glare(side, chance(turn.now));
  if (const auto told = retry_after_of(*response); told) wait = std::min<Duration>(*told, kLongestTold);
  postpone(*timer, turn.now, wait);
}

// Nobody has refreshed it: whoever should have is gone. RFC 4028 §10
void CallEngine::end_session(Call& call, Fork& fork, Side side, Turn turn) {
  fork.timers[index_of(side)].reset();
  note(call, turn.now, CallStep::SessionExpired, static_cast<std::uint16_t>(side), call.is_emergency ? 1 : 0);
  if (!call.is_emergency) end_call(call, {EndedBy::Sallyport, "session_expired"}, turn);
}

// RFC 7989 §7
void CallEngine::hear_session_id(Call& call, Side side, const SipMessage& message, bool speaks_for) {
  Hash128& known = call.session_ids.sides[index_of(side)];
  const auto said = session_id_in(message);
  if (said && said->local != Hash128{}) {
    known = said->local;
    if (side == Side::Caller && message.is_request() && message.to.tag.empty())
      call.session_ids.is_single = !said->has_remote;
  } else if (speaks_for && known == Hash128{}) {
    const std::array<std::uint64_t, 2> words{call.number, index_of(side)};
    known =
        keyed_hash128(parts_.settings.token_key, {reinterpret_cast<const char*>(words.data()), sizeof words});
  }
}

std::string_view CallEngine::session_id_to(const Call& call, Side side) noexcept {
  session_id_ = call.session_ids.line_to(index_of(side));
  return session_id_.view();
}

}  // namespace sallyport::sip
