// call_reliable.cpp — provisional responses that are acknowledged, bridged where both sides know how to, and
// ended on the one that does where the other does not: RFC 3262; RFC 6337 §2.1, §3.1.
#include <algorithm>
#include <utility>

#include "sipalg/call/call_engine.h"

namespace sallyport::sip {
namespace {

constexpr unsigned kGiveUpAfter = 64;  // times T1, RFC 3262 §3

// Not to be foreseen, and far from the end of the numbers. RFC 3262 §3
std::uint32_t first_rseq(const HashKey& key, std::string_view tag) noexcept {
  constexpr std::uint32_t kMask = 0x3fffffff;
  return 1 + (static_cast<std::uint32_t>(keyed_hash(key, std::string("RSeq ").append(tag))) & kMask);
}

}  // namespace

// Says the caller that it knows them, and may it use them?
bool CallEngine::takes_reliable(const Call& call) noexcept {
  return call.caller.far_options.has(OptionTag::Rel100) &&
         call.book->neighbour_of(call.caller_peer).options.has(OptionTag::Rel100);
}

// What our INVITE says that we support. A callee's offer in a reliable response can be answered in the
// caller's PRACK only. RFC 3262 §5
OptionTags CallEngine::options_for(const Call& call, const Attempt& attempt) noexcept {
  OptionTags options = call.book->neighbour_of(attempt.peer).options;
  // What rings in a transfer rings for nobody who could be told reliably.
  if (call.transfer || (!attempt.has_offer && !takes_reliable(call))) options.remove(OptionTag::Rel100);
  return options;
}

ReliableAnswers& CallEngine::reliable_of(const Call& call, Fork& fork) {
  if (!fork.reliable) {
    ReliableAnswers fresh;
    const SipMessage* const invite = takes_reliable(call) ? invite_of(call) : nullptr;
    fresh.is_required =
        invite != nullptr && option_tags_in(*invite, HeaderName::Require).has(OptionTag::Rel100);
    fork.reliable = std::move(fresh);
  }
  return *fork.reliable;
}

// Every 18x comes by here. One that comes again, or before its turn, or that finds no room is as if it had
// not come: its sender repeats it until it is acknowledged. RFC 3262 §4
CallEngine::HeardProvisional CallEngine::hear_provisional(const EarlyPlace& place, const SipMessage& response,
                                                          Turn turn) {
  auto& [call, attempt, fork] = place;
  if (!option_tags_in(response, HeaderName::Require).has(OptionTag::Rel100) ||
      !options_for(call, attempt).has(OptionTag::Rel100))
    return hear_unreliable(place);
  const HeardProvisional dropped{.is_dropped = true};
  const std::uint32_t rseq = rseq_of(response).value_or(0);
  ReliableAnswers& reliable = reliable_of(call, fork);
  if (rseq != 0 && reliable.is_repeated(rseq)) return dropped;
  const Dialog& callee = fork.dialogs[index_of(Side::Callee)];
  const bool is_bridged = takes_reliable(call);
  if (!reliable.is_in_order(rseq) || callee.remote_tag.empty() || callee.remote_target.empty() ||
      (is_bridged && reliable.is_full())) {
    parts_.counters[to_position(callee.path.realm)].dropped.add(SipDropReason::OutOfOrder);
    return dropped;
  }
  // One offer at a time: another early dialog's waits until the caller has answered this one's. Its callee
  // repeats it. RFC 3264 §4
  const bool is_late_offer = attempt.media.pending && (!attempt.has_offer || attempt.media.has_answer);
  if (is_late_offer && holds_sdp(response) && !reliable.is_told) return dropped;
  reliable.heard_cseq = response.cseq.number;
  if (!is_bridged && !send_prack(call, fork, rseq, turn)) return dropped;
  reliable.heard = rseq;
  return {.rseq = rseq, .goes_on_reliably = is_bridged};
}

// One that is not reliable: for a caller that takes no other we make it so. RFC 3262 §3
CallEngine::HeardProvisional CallEngine::hear_unreliable(const EarlyPlace& place) {
  if (!takes_reliable(place.call)) return {};
  ReliableAnswers& reliable = reliable_of(place.call, place.fork);
  if (!reliable.is_required) return {};
  // The first reliable one has to hold the offer, and there is none yet: the 100 and the 200 must do.
  // RFC 3261 §13.2.1
  if (!place.attempt.has_offer && !reliable.is_told) return {.is_dropped = true};
  if (!reliable.is_full()) return {.goes_on_reliably = true};
  // The newest counts, unless another one must not be lost.
  const ReliableAnswer& last = reliable.waiting.back();
  if (last.heard != 0 || last.holds_sdp) return {.is_dropped = true};
  reliable.waiting.pop_back();
  --reliable.sent;
  return {.goes_on_reliably = true};
}

// An offer or answer crosses once, in the first one that has it. RFC 3261 §13.2.1, RFC 3262 §5
std::uint16_t CallEngine::carry_early_sdp(const EarlyPlace& place, ReliableAnswer& answer,
                                          const SipMessage& response, BodyPart& body, Turn turn) {
  auto& [call, attempt, fork] = place;
  ReliableAnswers& reliable = *fork.reliable;
  const bool is_offer = !attempt.has_offer;
  if (!holds_sdp(response) || reliable.is_agreed || (is_offer && reliable.is_told)) return 0;
  SdpWay way{call, attempt, Side::Callee, SdpStep::Preview, fork.sdp[index_of(Side::Caller)], {}, !is_offer};
  if (answer.heard == 0) {
    if (!reliable.is_told) carry_preview(way, response, fork, body, turn);
  } else {
    way.step = is_offer ? SdpStep::Offer : SdpStep::Answer;
    is_offer ? turn_to(place, turn) : settle_early_offers(place, response, turn);
    if (const std::uint16_t refusal = carry_body(way, response, body, turn); refusal != 0) return refusal;
    reliable.is_agreed = !is_offer;
    attempt.fork_in_turn = fork.number;
    answer.owes_answer = is_offer;
    fork.preview = session_sdp(response);
    if (reliable.is_told) body = {};
  }
  answer.holds_sdp = !body.bytes.empty();
  reliable.is_told = reliable.is_told || answer.holds_sdp;
  return 0;
}

// The caller's copy of the callee's 18x, under a number of ours. RFC 3262 §3
std::uint16_t CallEngine::send_reliable(const EarlyPlace& place, std::uint32_t heard, ResponseParts& parts,
                                        const SipMessage& response, Turn turn) {
  auto& [call, attempt, fork] = place;
  ReliableAnswers& reliable = *fork.reliable;
  ReliableAnswer answer;
  answer.heard = heard;
  answer.code = parts.code;
  if (const std::uint16_t refusal = carry_early_sdp(place, answer, response, parts.body, turn); refusal != 0)
    return refusal;
  const std::string_view tag = fork.dialogs[index_of(Side::Caller)].local_tag;
  reliable.sent = reliable.sent == 0 ? first_rseq(parts_.settings.token_key, tag) : reliable.sent + 1;
  answer.rseq = reliable.sent;
  std::string lines(parts.own_lines);
  lines += "Require: 100rel\r\nRSeq: " + std::to_string(answer.rseq) + "\r\n";
  parts.own_lines = lines;
  const auto bytes = write_response(scratch_, parts);
  if (!bytes) {  // too long, or not clean: the caller does without it, the callee has its PRACK
    --reliable.sent;
    if (answer.holds_sdp) reliable.is_told = false;
    if (heard != 0) (void)send_prack(call, fork, heard, turn);
    return 0;
  }
  answer.response = *bytes;
  reliable.waiting.push_back(std::move(answer));
  if (reliable.waiting.size() == 1) send_first_waiting(call, reliable, turn);
  return 0;
}

void CallEngine::send_first_waiting(const Call& call, ReliableAnswers& reliable, Turn turn) {
  const ReliableAnswer& first = reliable.waiting.front();
  const Duration t1 = call.book->neighbour_of(call.caller_peer).timers.t1;
  reliable.interval = t1;
  reliable.resend_at = turn.now + t1;
  reliable.give_up_at = turn.now + kGiveUpAfter * t1;
  if (!parts_.servers.respond(call.invite.server, first.code, first.response, turn.now, turn.out))
    turn.out.send(call.invite.path, first.response, call.number);
  parts_.responder.count(call.invite.path.realm, first.code);
}

// For a caller that need not know. RFC 3262 §4
bool CallEngine::send_prack(Call& call, Fork& fork, std::uint32_t rseq, Turn turn) {
  const std::string line = rack_line({rseq, fork.reliable->heard_cseq});
  return send_own(call, fork, Side::Callee,
                  {.method = "PRACK", .errand = Errand::Prack, .about = rseq, .lines = line}, turn);
}

// RFC 3262 §3: only the first one that waits has been sent, so it is the one that can be meant.
void CallEngine::on_prack(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  Fork& fork = *place.fork;
  const auto rack = rack_of(arrival.request);
  if (place.side != Side::Caller || !fork.reliable || fork.reliable->waiting.empty() || !rack ||
      *rack != RAck{fork.reliable->waiting.front().rseq, call.invite.cseq})
    return parts_.responder.answer(arrival, 481, out);
  const std::uint16_t number = fork.number;
  if (fork.reliable->waiting.front().heard != 0) {
    pass_prack(arrival, place, out);
  } else {
    // The callee has not agreed to anything yet that an offer could change.
    parts_.responder.answer_done(arrival, holds_sdp(arrival.request) ? 488 : 200,
                                 {call.number, 0, kBye, call.shard}, out);
  }
  go_on_after_prack(call, number, {arrival.now, out});
}

void CallEngine::pass_prack(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  ReliableAnswers& reliable = *place.fork->reliable;
  const ReliableAnswer first = reliable.waiting.front();
  const bool is_refused =
      first.owes_answer ? !holds_sdp(arrival.request) : holds_sdp(arrival.request) && !may_offer_early(place);
  const bool is_passed = !is_refused && pass_on(arrival, place, out);
  if (is_refused)
    parts_.responder.answer_done(arrival, first.owes_answer ? 400 : 488, {call.number, 0, kBye, call.shard},
                                 out);
  if (first.owes_answer) {
    if (!is_passed) return refuse(call, 488, nullptr, arrival.now, out);  // as an ACK without its answer
    reliable.is_agreed = true;
  }
  // What it wanted could not be had, but it has the response.
  if (!is_passed) (void)send_prack(call, *place.fork, first.heard, {arrival.now, out});
}

// An offer while the dialog is early: the first one has been answered, reliably on both legs. RFC 3311 §5.1
bool CallEngine::may_offer_early(const DialogPlace& place) noexcept {
  const Fork& fork = *place.fork;
  const Attempt* const attempt = attempt_numbered(*place.call, fork.attempt);
  if (attempt == nullptr || attempt->media.pending) return false;
  for (const Exchange& exchange : place.call->exchanges)
    if (exchange.fork == fork.number && (exchange.has_offer || exchange.method == Method::Invite))
      return false;
  if (fork.dialogs[index_of(place.side)].state == DialogState::Confirmed) return true;
  return fork.reliable && fork.reliable->is_agreed && fork.reliable->is_told;
}

// The first one is acknowledged: what waited behind it leaves, and the callee's 2xx when nothing is before
// it.
void CallEngine::go_on_after_prack(Call& call, std::uint16_t number, Turn turn) {
  Fork* const fork = fork_numbered(call, number);
  if (fork == nullptr || !fork->reliable || fork->reliable->waiting.empty()) return;
  ReliableAnswers& reliable = *fork->reliable;
  reliable.waiting.erase(reliable.waiting.begin());
  if (call.state != CallState::Trying) return fork->reliable.reset();
  if (!reliable.waiting.empty()) send_first_waiting(call, reliable, turn);
  if (reliable.answer.empty() || reliable.waits_with_sdp()) return;
  Attempt* const attempt = attempt_numbered(call, fork->attempt);
  if (attempt == nullptr) return;
  const std::string bytes = std::exchange(reliable.answer, {});
  ParseOptions options;
  options.strictness = call.book->neighbour_of(attempt->peer).strictness;
  SipMessage answer;
  if (parse_message(bytes, options, answer) == ParseStatus::Complete)
    on_answer(call, *attempt, answer, turn.now, turn.out);
}

// Early dialogs of one INVITE agree each on its own, with the same streams: before one of them says something
// of its own, those are again what it had made of them. Nothing of another one is open. RFC 6337 §3.1
void CallEngine::turn_to(const EarlyPlace& place, Turn turn) {
  auto& [call, attempt, fork] = place;
  MediaSession& media = attempt.media;
  if (call.state != CallState::Trying || attempt.fork_in_turn == fork.number || media.pending) return;
  Fork* const last = fork_numbered(call, std::exchange(attempt.fork_in_turn, fork.number));
  if (last != nullptr && last->reliable && last->reliable->is_agreed && last->reliable->is_told)
    last->reliable->set_aside = EarlyAgreement{
        {media.streams, media.offered_by}, std::move(attempt.heard_sdp), std::move(attempt.sent_sdp)};
  if (!fork.reliable || !fork.reliable->set_aside) return;
  EarlyAgreement& own = *fork.reliable->set_aside;
  const std::size_t before = turn.out.media().size();
  negotiator_.resume(media, own.media, media_context(call, attempt, turn.out));
  count_closed(call, before, turn.out);
  attempt.heard_sdp = std::move(own.heard_sdp);
  attempt.sent_sdp = std::move(own.sent_sdp);
  fork.reliable->set_aside.reset();
}

// The streams of the one that answers count. What another one has offered meanwhile, by UPDATE or PRACK, goes
// with it.
void CallEngine::settle_early_offers(const EarlyPlace& place, const SipMessage& answer, Turn turn) {
  auto& [call, attempt, fork] = place;
  const bool has_own = std::ranges::any_of(call.exchanges, [&fork](const Exchange& exchange) {
    return exchange.fork == fork.number && exchange.has_offer;
  });
  if (has_own) return;
  const bool is_others = attempt.media.pending || attempt.media.has_answer;
  if (fork.reliable && fork.reliable->is_agreed) {
    if (!fork.reliable->is_told) return;  // of a caller that knows none of them: nobody has agreed on more
    drop_offer(call, attempt, turn.out);
    turn_to(place, turn);
  } else if (!attempt.has_offer) {
    if (is_others && holds_sdp(answer)) close_media(call, attempt, turn.out);
  } else if (const SipMessage* const invite = attempt.media.has_answer ? invite_of(call) : nullptr;
             invite != nullptr) {
    drop_offer(call, attempt, turn.out);
    turn_to(place, turn);
    SdpIdentity unheard = fork.sdp[index_of(Side::Callee)];
    BodyPart body;
    (void)carry_sdp({call, attempt, Side::Caller, SdpStep::Offer, unheard, {}, true}, session_sdp(*invite),
                    body, turn);
  }
}

// The 2xx may not leave while a description is unacknowledged: it is as if it had not come. RFC 3262 §3
bool CallEngine::waits_for_prack(Fork& fork, const SipMessage& answer) {
  if (!fork.reliable || !fork.reliable->waits_with_sdp()) return false;
  fork.reliable->answer = answer.bytes;
  return true;
}

// Behind a final response none is sent again; a PRACK that is on its way is still heard. RFC 3262 §3
void CallEngine::hush_reliable(Fork& fork) {
  if (!fork.reliable) return;
  ReliableAnswers& reliable = *fork.reliable;
  if (reliable.waiting.empty()) return fork.reliable.reset();
  reliable.set_aside.reset();
  reliable.waiting.resize(1);
  std::string().swap(reliable.waiting.front().response);
  reliable.resend_at = reliable.give_up_at;
}

bool CallEngine::resend_reliable(Call& call, Turn turn) {
  const auto [now, out] = turn;
  if (call.state == CallState::Ended) return true;
  for (Fork& fork : call.forks) {
    if (!fork.reliable || fork.reliable->waiting.empty() || fork.reliable->resend_at > now) continue;
    ReliableAnswers& reliable = *fork.reliable;
    if (call.state == CallState::Answered) {
      fork.reliable.reset();
    } else if (reliable.give_up_at <= now) {  // RFC 3262 §3: a 5xx
      note(call, now, CallStep::NoPrack);
      give_up_setup(call, EndedBy::Sallyport, "no_prack", now);
      call.record.result = CallResult::Failed;
      refuse(call, 504, nullptr, now, out);
      return false;
    } else {
      out.send(call.invite.path, reliable.waiting.front().response, call.number, true);
      reliable.interval *= 2;
      reliable.resend_at = std::min(now + reliable.interval, reliable.give_up_at);
    }
  }
  return true;
}

// A callee that has answered a call which is refused now. RFC 3261 §13.2.2.4
void CallEngine::leave_waiting_answers(Call& call, Turn turn) {
  for (Fork& fork : call.forks) {
    if (!fork.reliable || fork.reliable->answer.empty()) continue;
    const std::string bytes = std::exchange(fork.reliable->answer, {});
    const Dialog& callee = fork.dialogs[index_of(Side::Callee)];
    ParseOptions options;
    options.strictness = call.book->neighbour_of(callee.peer).strictness;
    SipMessage answer;
    if (parse_message(bytes, options, answer) == ParseStatus::Complete)
      end_stray_dialog(&call, answer, callee.path, turn.now, turn.out);
  }
}

}  // namespace sallyport::sip
