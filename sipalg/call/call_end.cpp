// call_end.cpp — how calls end, what is written of them, and what time does to them: RFC 3261 §9, §13.3.1.4,
// §15, §16.8.
#include <algorithm>
#include <utility>

#include "sipalg/call/call_engine.h"
#include "sipalg/engine/earliest.h"

namespace sallyport::sip {
namespace {

constexpr Duration kJournalPatience = std::chrono::milliseconds(100);
constexpr unsigned kTimersPerCall = 64;
constexpr Duration kLongestRepeat = std::chrono::seconds(4);  // T2

constexpr std::uint16_t kNormalClearing = 16;  // Q.850

}  // namespace

void CallEngine::on_bye(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  const Timestamp now = arrival.now;
  if (call.state == CallState::Ended)
    return parts_.responder.answer(arrival, 200, out);  // both hung up at once
  if (on_bye_in_transfer(arrival, place, out)) return;
  if (call.state == CallState::Trying) {
    // A callee may not end what it has not accepted. RFC 3261 §15
    if (place.side == Side::Callee) return parts_.responder.answer(arrival, 403, out);
    parts_.responder.answer_done(arrival, 200, {call.number, 0, kBye, call.shard}, out);
    give_up_setup(call, EndedBy::Caller, "bye", now);
    return refuse(call, 487, nullptr, now, out);  // RFC 3261 §15.1.2
  }
  ResponseHead head = spares_.head();
  if (!set_response_head(head, arrival.request, arrival.neighbour.strictness, arrival.input.remote))
    return parts_.responder.answer_bad(arrival, "Bad Via", out);
  HeldAnswer held;
  held.path = arrival.answer_path;
  held.fork = place.fork->number;
  held.server = parts_.servers.start({.key = arrival.key,
                                      .kind = TransactionKind::NonInvite,
                                      .user = {call.number, 0, kBye, call.shard},
                                      .path = arrival.answer_path,
                                      .timers = arrival.neighbour.timers},
                                     arrival.request, now);
  ResponseParts parts;
  parts.code = 200;
  parts.head = &head;
  hear_session_id(call, place.side, arrival.request, false);
  parts.session_id = session_id_to(call, place.side);
  if (const auto bytes = write_response(scratch_, parts)) held.bytes = spares_.text(*bytes);
  spares_.give(std::move(head));
  note(call, now, CallStep::ByeReceived, static_cast<std::uint16_t>(place.side));
  place.fork->dialogs[index_of(place.side)].state = DialogState::Ended;
  end_call(call, {place.side == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "bye", &arrival.request},
           {now, out});
  held.sequence = sequence_;  // of the end record
  hold(call, std::move(held), now);
}

// Of an answered call: BYE to each side that has not hung up itself.
void CallEngine::end_call(Call& call, const EndCause& cause, Turn turn) {
  const auto [now, out] = turn;
  if (call.state != CallState::Answered) return;
  call.state = CallState::Ended;
  call.call_until.reset();
  call.record.end = now;
  call.record.ended_by = cause.by;
  call.record.end_reason = cause.reason;
  call.record.result = CallResult::Answered;
  const std::uint16_t told = cause.bye != nullptr ? q850_of(*cause.bye) : std::uint16_t{0};
  call.record.q850 = told != 0 ? told : kNormalClearing;
  drop_transfer(call, turn);
  close_exchanges(call, Which::All, {now, out});
  if (Fork* const fork = fork_numbered(call, call.answered_fork); fork != nullptr) {
    // The answer that the caller has not heard of yet leaves first.
    release(call, ~std::uint64_t{0}, now, out);
    for (const Side side : {Side::Caller, Side::Callee}) {
      auto& awaited = fork->awaited[index_of(side)];
      const bool has_left = fork->dialogs[index_of(side)].state == DialogState::Ended;
      if (awaited) send_ack(call, *fork, other(side), {awaited->far_cseq}, turn);
      if (has_left) awaited.reset();
      // Whoever owes us an ACK gets its BYE behind it. RFC 3261 §15
      if (!has_left && !awaited) send_bye(call, *fork, side, cause.bye, turn);
    }
  }
  (void)write_end(call, now, out);
}

// `bye`: the other side's, whose Reason and body (ISUP) go on; null: this one is our own.
void CallEngine::send_bye(Call& call, Fork& fork, Side to, const SipMessage* bye, Turn turn) {
  const auto [now, out] = turn;
  Dialog& dialog = fork.dialogs[index_of(to)];
  dialog.state = DialogState::Ended;
  ++dialog.local_cseq;
  const DialogRoute route = route_of(dialog);
  RequestParts parts = in_dialog_request(call, dialog, route);
  if (parts.own == nullptr) return;
  const std::uint64_t number = take_number();
  const TokenText branch = write_token(parts_.settings.token_key, TokenKind::Branch,
                                       {.shard = call.shard, .part = 0, .number = number});
  parts.method = "BYE";
  parts.branch = view(branch);
  parts.session_id = session_id_to(call, to);
  if (bye != nullptr) {
    parts.crossing = {bye, &call.book->crossing_of(dialog.peer), {}};
    parts.body = plain_body(*bye);
  }
  const auto sending = put_request(parts, way_to(call, dialog, route), call.number, turn);
  if (!sending) return;
  count_request(dialog.path.realm, Method::Bye);
  // When the table is full this one BYE must do.
  if (parts_.clients.start({.number = number,
                            .kind = TransactionKind::NonInvite,
                            .user = {call.number, 0, kBye, call.shard},
                            .path = sending->path,
                            .request = sending->bytes,
                            .timers = call.book->neighbour_of(dialog.peer).timers,
                            .method = Method::Bye,
                            .cseq = dialog.local_cseq,
                            .second_way = sending->second_way,
                            .second_via = sending->second_via},
                           now))
    ++call.open_byes;
}

// Requests that wait for the other side when the call ends. RFC 3261 §15.1.2
void CallEngine::close_exchanges(Call& call, Which which, Turn turn) {
  if (call.exchanges.empty()) return;
  const auto [now, out] = turn;
  std::vector<Exchange> all, open;
  all.swap(call.exchanges);
  for (Exchange& exchange : all) {
    const bool stays = which == Which::OfLostForks && fork_numbered(call, exchange.fork) != nullptr;
    (stays ? call.exchanges : open).push_back(std::move(exchange));
  }
  for (Exchange& exchange : open) {
    ResponseParts parts;
    parts.code = 487;
    parts.head = &exchange.head;
    if (exchange.errand == Errand::None) respond(call, exchange.server, exchange.path, parts, {now, out});
    if (exchange.errand == Errand::Probe) {
      parts_.clients.forget(exchange.client);  // nobody asks any more
      continue;
    }
    if (exchange.method != Method::Invite) {
      parts_.clients.disown(exchange.client);
      continue;
    }
    const Fork* const fork = fork_numbered(call, exchange.fork);
    parts_.clients.cancel(exchange.client, now, out);
    if (fork != nullptr)
      parts_.clients.retag(exchange.client,
                           tag_name(fork->dialogs[index_of(other(exchange.from))].remote_tag), kSettled);
  }
}

// Whatever refuse() says next, this is why.
void CallEngine::give_up_setup(Call& call, EndedBy by, std::string_view reason, Timestamp now) {
  call.targets.clear();
  call.record.ended_by = by;
  call.record.end_reason = reason;
  call.record.end = now;
  call.record.result = by == EndedBy::Caller ? CallResult::Cancelled : CallResult::NoAnswer;
}

void CallEngine::cancel_attempts(Call& call, Timestamp now, EngineOutput& out) {
  for (Attempt& attempt : call.attempts) {
    attempt.setup_until.reset();
    attempt.timer_c.reset();
    if (attempt.is_done || attempt.is_cancelled) continue;
    attempt.is_cancelled = true;
    close_media(call, attempt, out);
    parts_.clients.cancel(attempt.transaction, now, out);  // RFC 3261 §9.1
  }
}

void CallEngine::on_cancel(const Arrival& arrival, const TransactionUser& user, CancelFate fate,
                           EngineOutput& out) {
  fate == CancelFate::Taken ? on_good_cancel(user, arrival.now, out)
                            : on_unmatched_cancel(arrival, user, out);
}

void CallEngine::on_good_cancel(const TransactionUser& user, Timestamp now, EngineOutput& out) {
  Call* const call = calls_.find(user.call);
  if (call == nullptr) return;
  parts_.touched = call->number;
  if (user.purpose == kExchange) {
    for (const Exchange& exchange : call->exchanges)
      if (exchange.id == user.part) parts_.clients.cancel(exchange.client, now, out);
    return;
  }
  if (call->transfer && call->transfer->is_replacing && user.part >= call->transfer->first_attempt) {
    fail_transfer(*call, 487, {now, out});
    return settle(*call);
  }
  if (call->state != CallState::Trying) return;  // the 200 is on its way
  note(*call, now, CallStep::Cancelled);
  give_up_setup(*call, EndedBy::Caller, "cancel", now);
  refuse(*call, 487, nullptr, now, out);  // RFC 3261 §9.2
  settle(*call);
}

bool CallEngine::hang_up(Timestamp now, std::uint64_t number, EngineOutput& out) {
  Call* const call = calls_.find(number);
  if (call == nullptr || call->state == CallState::Ended) return false;
  parts_.touched = number;
  note(*call, now, CallStep::HungUp);
  if (call->state == CallState::Trying) {
    give_up_setup(*call, EndedBy::Sallyport, "hangup", now);
    call->record.result = CallResult::Cancelled;
    refuse(*call, 480, nullptr, now, out);
  } else {
    end_call(*call, {EndedBy::Sallyport, "hangup"}, {now, out});
  }
  settle(*call);
  return true;
}

void CallEngine::on_response(const ResponseMatch& match, const SipMessage& response, const Path& path,
                             Timestamp now, EngineOutput& out) {
  Call* const call = calls_.find(match.user.call);
  const bool is_success = response.start.status_code / 100 == 2;
  if (match.user.purpose == kSettled && is_success && match.user.part == tag_name(response.to.tag))
    return on_repeated_answer(call, response, path, {now, out});
  if (call == nullptr) {
    if (match.kind == TransactionKind::Invite && is_success)
      on_unwanted_answer(nullptr, response, path, now, out);
    return;
  }
  parts_.touched = call->number;
  if (match.user.purpose == kBye && response.start.status_code >= 200 && call->open_byes > 0) {
    --call->open_byes;
  } else if (match.user.purpose == kExchange) {
    on_exchange_response(*call, match.user.part, response, now, out);
  } else if (match.user.purpose == kInvite) {
    const auto it = std::find_if(call->attempts.begin(), call->attempts.end(),
                                 [&](const Attempt& attempt) { return attempt.number == match.user.part; });
    if (it != call->attempts.end() && path.transport == it->prototype.path.transport)
      it->prototype.path.connection = path.connection;
    if (it != call->attempts.end())
      on_invite_response(*call, *it, response, now, out);
    else if (is_success)
      on_unwanted_answer(call, response, path, now, out);
  }
  settle(*call);
}

void CallEngine::on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out) {
  Call* const call = calls_.find(event.user.call);
  if (call == nullptr) return;
  parts_.touched = call->number;
  const std::uint16_t code = event.end == TransactionEnd::Timeout ? 408 : 503;  // RFC 3261 §8.1.3.1
  if (event.user.purpose == kBye && call->open_byes > 0) {
    --call->open_byes;
  } else if (event.user.purpose == kExchange) {
    for (Exchange& exchange : call->exchanges)
      if (exchange.id == event.user.part && exchange.client == event.number) {
        answer_exchange(*call, exchange, code, nullptr, {now, out});
        break;
      }
  } else if (event.user.purpose == kInvite) {
    for (Attempt& attempt : call->attempts) {
      if (attempt.number != event.user.part || attempt.transaction != event.number) continue;
      const bool was_wanted = is_wanted(*call, attempt);
      attempt.is_done = true;
      close_media(*call, attempt, out);
      std::erase_if(call->forks, [&](const Fork& fork) { return fork.attempt == attempt.number; });
      close_exchanges(*call, Which::OfLostForks, {now, out});
      if (was_wanted) on_failure(*call, attempt, code, nullptr, {now, out});
      break;
    }
  }
  settle(*call);
}

std::uint64_t CallEngine::write_start(Call& call, Timestamp now, EngineOutput& out) {
  CallRecord record = call.record;
  record.type = CallRecordType::Start;
  record.result = CallResult::Answered;
  out.add(now, RecordEvent{++sequence_, std::move(record)});
  return sequence_;
}

// Once for each call, whatever ends it.
std::uint64_t CallEngine::write_end(Call& call, Timestamp now, EngineOutput& out) {
  if (call.was_recorded) return 0;
  call.was_recorded = true;
  end_media(call, out);
  call.record.type = CallRecordType::End;
  if (call.record.answer && !call.record.media_end) call.record.media_end = call.record.end;
  // Whoever was only asked who it is calls again at once: that will be the call. RFC 3261 §22.2
  if (call.record.end_reason != "challenged") {
    out.add(now, RecordEvent{++sequence_, call.record});
    count_end(call);
  }
  parts_.shared.admission.release(call.ticket_in);
  parts_.shared.admission.release(call.ticket_out);
  call.at_target = {};
  call.costly = {};
  return sequence_;
}

// The answer leaves when its record is on disk, or when a disk that stalls has been waited for long enough.
void CallEngine::hold(Call& call, HeldAnswer&& answer, Timestamp now) {
  answer.until = now + kJournalPatience;
  if (call.held.capacity() == 0) call.held = spares_.held();
  waiting_.emplace_back(answer.sequence, call.number);
  call.held.push_back(std::move(answer));
}

void CallEngine::on_journalled(Timestamp now, std::uint64_t sequence, EngineOutput& out) {
  journalled_ = std::max(journalled_, sequence);
  if (journal_is_slow_) {
    journal_is_slow_ = false;
    out.add(now, AlarmEvent{"journal_slow", false, {}});
  }
  while (!waiting_.empty() && waiting_.front().first <= sequence && !out.is_nearly_full()) {
    const std::uint64_t number = waiting_.front().second;
    waiting_.pop_front();
    Call* const call = calls_.find(number);
    if (call == nullptr) continue;
    release(*call, sequence, now, out);
    settle(*call);
  }
}

void CallEngine::release(Call& call, std::uint64_t sequence, Timestamp now, EngineOutput& out) {
  for (HeldAnswer& held : call.held) {
    if (held.sequence > sequence) continue;
    // Of a BYE that found the table full, and that is answered once.
    if (held.server == ServerTransactionId::kNone)
      out.send(held.path, held.bytes, call.number);
    else if (!parts_.servers.respond(held.server, held.code, held.bytes, now, out))
      out.send(held.path, held.bytes, call.number);  // the table was full when it came
    parts_.responder.count(held.path.realm, held.code);
    if (Fork* const fork = fork_numbered(call, held.fork); held.awaited && fork != nullptr) {
      const Duration t1 = call.book->neighbour_of(fork->dialogs[index_of(Side::Caller)].peer).timers.t1;
      AwaitedAck awaited = std::move(*held.awaited);
      awaited.response = std::move(held.bytes);
      awaited.interval = t1;
      awaited.resend_at = now + t1;
      awaited.give_up_at = now + 64 * t1;
      fork->awaited[index_of(Side::Caller)] = spares_.boxed(std::move(awaited));
    }
    spares_.give(std::move(held.bytes));
  }
  std::erase_if(call.held, [sequence](const HeldAnswer& held) { return held.sequence <= sequence; });
  if (call.held.empty()) spares_.give(std::exchange(call.held, {}));  // a call that is up needs none for long
}

void CallEngine::on_deadline(Timestamp now, EngineOutput& out) {
  for (unsigned i = 0; i < kTimersPerCall && !out.is_nearly_full(); ++i) {
    Call* const call = calls_.pop_due(now);
    if (call == nullptr) return;
    parts_.touched = call->number;
    on_call_deadline(*call, now, out);
    settle(*call);
  }
}

void CallEngine::on_call_deadline(Call& call, Timestamp now, EngineOutput& out) {
  const auto is_due = [now](const std::optional<Timestamp>& deadline) {
    return deadline && *deadline <= now;
  };
  std::optional<std::uint64_t> late;
  for (const HeldAnswer& held : call.held)
    if (held.until <= now) late = std::max(late.value_or(0), held.sequence);
  if (late) {
    note(call, now, CallStep::JournalSlow);
    if (!journal_is_slow_) out.add(now, AlarmEvent{"journal_slow", true, "an answer left before its record"});
    journal_is_slow_ = true;
    release(call, *late, now, out);
  }
  forget_acks(call, now);
  resend_answers(call, now, out);
  if (!resend_reliable(call, {now, out})) return;
  on_transfer_deadline(call, {now, out});
  cancel_late_exchanges(call, {now, out});
  if (call.state == CallState::Trying) {
    if (is_due(call.ring_until) || is_due(call.early_media_until)) {
      const bool rang_out = is_due(call.ring_until);
      note(call, now, rang_out ? CallStep::RingTimeout : CallStep::EarlyMediaTimeout);
      give_up_setup(call, EndedBy::Sallyport, rang_out ? "ring_time" : "early_media_time", now);
      return refuse(call, 408, nullptr, now, out);
    }
    Attempt* const attempt = call.attempts.empty() ? nullptr : &call.attempts.back();
    if (attempt != nullptr && (is_due(attempt->setup_until) || is_due(attempt->timer_c))) {
      note(call, now, CallStep::TargetSilent, static_cast<std::uint16_t>(attempt->peer));
      cancel_attempts(call, now, out);  // RFC 3261 §16.8
      on_failure(call, *attempt, 408, nullptr, {now, out});
    }
  }
  if (call.state == CallState::Answered && is_due(call.call_until)) {
    note(call, now, CallStep::CallTimeout);
    end_call(call, {EndedBy::Sallyport, "call_time"}, {now, out});
  }
  on_session_times(call, {now, out});
  on_doubt_times(call, {now, out});
}

// A side that said 100 to an INVITE within the dialog and then nothing more. RFC 3261 §16.8
void CallEngine::cancel_late_exchanges(Call& call, Turn turn) {
  for (Exchange& exchange : call.exchanges) {
    if (!exchange.until || *exchange.until > turn.now) continue;
    exchange.until.reset();
    parts_.clients.cancel(exchange.client, turn.now, turn.out);
  }
}

// RFC 3261 §13.3.1.4: a 2xx is sent again until its ACK comes; without one the call is over.
void CallEngine::resend_answers(Call& call, Timestamp now, EngineOutput& out) {
  for (Fork& fork : call.forks)
    for (const Side side : {Side::Caller, Side::Callee}) {
      auto& awaited = fork.awaited[index_of(side)];
      if (!awaited || awaited->resend_at > now) continue;
      if (awaited->give_up_at <= now) {
        note(call, now, CallStep::NoAck, static_cast<std::uint16_t>(side));
        return on_missing_ack(call, fork, side, {now, out});
      }
      out.send(awaited->path, awaited->response, call.number, true);
      awaited->interval = std::min(2 * awaited->interval, kLongestRepeat);
      awaited->resend_at = std::min(now + awaited->interval, awaited->give_up_at);
    }
}

void CallEngine::forget_acks(Call& call, Timestamp now) {
  for (Fork& fork : call.forks)
    for (Boxed<SentAck>& ack : fork.sent_ack)
      if (ack && ack->forget_at <= now) spares_.give(std::exchange(ack, {}));
}

void CallEngine::on_missing_ack(Call& call, Fork& fork, Side side, Turn turn) {
  const std::uint32_t far_cseq = fork.awaited[index_of(side)]->far_cseq;
  fork.awaited[index_of(side)].reset();
  if (call.state == CallState::Ended) return send_bye(call, fork, side, nullptr, turn);
  send_ack(call, fork, other(side), {far_cseq}, turn);
  end_call(call, {EndedBy::Sallyport, "no_ack"}, turn);
}

// Arms the timer anew, and forgets the call when nothing of it is left.
void CallEngine::settle(Call& call) {
  if (call.state == CallState::Ended)
    for (const Side side : {Side::Caller, Side::Callee}) drop_doubt(call, side);
  const bool waits_for_targets = std::any_of(call.attempts.begin(), call.attempts.end(),
                                             [](const Attempt& attempt) { return !attempt.is_done; });
  const bool waits_for_ack = std::any_of(call.forks.begin(), call.forks.end(), [](const Fork& fork) {
    return fork.awaited[0].has_value() || fork.awaited[1].has_value();
  });
  if (call.state == CallState::Ended && !waits_for_targets && !waits_for_ack && call.open_byes == 0 &&
      call.held.empty() && call.exchanges.empty()) {
    count_dialogs(call, 0);
    settle_transactions(call);
    if (call.was_recorded)
      spares_.give(ended_.add({call.book, std::move(call.record), std::move(call.notes)}));
    spares_.give(call);
    calls_.erase(call.number);
    return;
  }
  count_dialogs(call, static_cast<std::uint32_t>(2 * call.forks.size()));
  std::optional<Timestamp> earliest;
  for (const HeldAnswer& held : call.held) keep_earlier(earliest, held.until);
  for (const Fork& fork : call.forks) {
    for (const auto& awaited : fork.awaited)
      if (awaited) keep_earlier(earliest, awaited->resend_at);
    for (const auto& ack : fork.sent_ack)
      if (ack) keep_earlier(earliest, ack->forget_at);
  }
  // One that an attended transfer brought along waits until it is this call's. RFC 4028 §10
  if (call.state == CallState::Answered)
    for (const Fork& fork : call.forks)
      for (const auto& timer : fork.timers)
        if (timer && fork.number == call.answered_fork) keep_earlier(earliest, timer->due);
  for (const Fork& fork : call.forks)
    if (call.state != CallState::Ended && fork.reliable && !fork.reliable->waiting.empty())
      keep_earlier(earliest, fork.reliable->resend_at);
  for (const Exchange& exchange : call.exchanges) keep_earlier(earliest, exchange.until);
  keep_setup_times(call, earliest);
  keep_doubt_times(call, earliest);
  calls_.arm(call.number, earliest);
}

// Only what on_call_deadline() acts on in this state: any other time, once it is over, would come up again
// and again.
void CallEngine::keep_setup_times(const Call& call, std::optional<Timestamp>& earliest) {
  const bool is_up = call.state == CallState::Answered;
  const bool tries = call.state == CallState::Trying ||
                     (is_up && call.transfer && call.transfer->stage == TransferStage::Trying);
  if (tries) keep_earlier(earliest, call.ring_until);
  if (tries && !call.attempts.empty())
    if (const Attempt& last = call.attempts.back(); !last.is_done && is_wanted(call, last)) {
      keep_earlier(earliest, last.setup_until);
      keep_earlier(earliest, last.timer_c);
    }
  if (call.state == CallState::Trying) keep_earlier(earliest, call.early_media_until);
  if (is_up) keep_earlier(earliest, call.call_until);
  if (is_up && call.transfer) {
    keep_earlier(earliest, call.transfer->offer_at);
    keep_earlier(earliest, call.transfer->offer_until);
  }
}

void CallEngine::count_dialogs(Call& call, std::uint32_t dialogs) {
  dialogs_ += dialogs;
  dialogs_ -= std::exchange(call.dialogs_counted, dialogs);
  parts_.totals.dialogs_active.set(dialogs_);
}

void CallEngine::count_end(const Call& call) {
  const CallRecord& record = call.record;
  const auto count = [&](PeerIndex peer, Direction direction) {
    const std::size_t last = parts_.totals.peers.size() - 1;
    PeerCallCounters& counters = parts_.totals.peers[std::min(to_position(peer), last)];
    const auto way = static_cast<std::size_t>(direction);
    counters.results[way].add(record.result);
    const auto add = [](auto& buckets, Counter& sum, const auto& bounds, Duration time) {
      const double seconds = std::chrono::duration<double>(time).count();
      std::size_t bucket = 0;
      while (bucket < bounds.size() && seconds > bounds[bucket]) ++bucket;
      buckets[bucket].add();
      sum.add(static_cast<std::uint64_t>(std::max(0.0, seconds * 1000)));
    };
    if (!record.answer) return;
    add(counters.setup[way], counters.setup_milliseconds[way], kSetupBounds, *record.answer - record.start);
    if (record.end)
      add(counters.duration[way], counters.duration_milliseconds[way], kDurationBounds,
          *record.end - *record.answer);
  };
  count(call.caller_peer, Direction::In);
  if (!call.attempts.empty()) count(call.attempts.back().peer, Direction::Out);
}

}  // namespace sallyport::sip
