// non_invite_client_transaction.cpp — RFC 3261 §17.1.2.
#include "sipalg/transaction/non_invite_client_transaction.h"

#include <algorithm>

namespace sallyport::sip {

NonInviteClientTransaction::NonInviteClientTransaction(Reliability reliability, const TimerSettings& timers,
                                                       Timestamp now) noexcept
    : reliability_(reliability), timers_(timers) {
  Waiting waiting;
  if (reliability == Reliability::Unreliable) waiting.timer_e = now + timers.t1;  // RFC 3261 §17.1.2.2
  waiting.interval = timers.t1;
  waiting.timer_f = now + timers.patience();
  state_ = waiting;
}

void NonInviteClientTransaction::terminate(TransactionActions& out) noexcept {
  state_ = Terminated{};
  add_action(TransactionAction::Terminate, out);
}

void NonInviteClientTransaction::on_response(unsigned status_code, Timestamp now,
                                             TransactionActions& out) noexcept {
  auto* waiting = std::get_if<Waiting>(&state_);
  if (waiting == nullptr) return;  // In Completed it came again. RFC 3261 §17.1.2.2
  add_action(TransactionAction::DeliverResponse, out);
  if (status_code < 200) {
    waiting->proceeding = true;
    return;
  }
  state_ = Completed{now + timers_.timer_i_or_k(reliability_)};
}

void NonInviteClientTransaction::on_transport_error(TransactionActions& out) noexcept {
  if (!awaits_final_response()) return;
  add_action(TransactionAction::ReportTransportError, out);  // RFC 3261 §17.1.4
  terminate(out);
}

void NonInviteClientTransaction::on_deadline(Timestamp now, TransactionActions& out) noexcept {
  const auto deadline = next_deadline();
  if (!deadline || *deadline > now) return;
  auto* waiting = std::get_if<Waiting>(&state_);
  if (waiting == nullptr) return terminate(out);  // timer K
  if (waiting->timer_f <= now) {
    add_action(TransactionAction::ReportTimeout, out);  // RFC 3261 §17.1.2.2
    return terminate(out);
  }
  add_action(TransactionAction::ResendRequest, out);
  // RFC 3261 §17.1.2.2: doubled up to T2 while trying, T2 at once when proceeding.
  waiting->interval = waiting->proceeding ? timers_.t2 : std::min(2 * waiting->interval, timers_.t2);
  waiting->timer_e = now + waiting->interval;
}

std::optional<Timestamp> NonInviteClientTransaction::next_deadline() const noexcept {
  if (const auto* waiting = std::get_if<Waiting>(&state_))
    return waiting->timer_e ? std::min(*waiting->timer_e, waiting->timer_f) : waiting->timer_f;
  if (const auto* completed = std::get_if<Completed>(&state_)) return completed->timer_k;
  return std::nullopt;
}

}  // namespace sallyport::sip
