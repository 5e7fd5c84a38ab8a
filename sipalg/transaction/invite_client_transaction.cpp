// invite_client_transaction.cpp — RFC 3261 §17.1.1, §9.1; RFC 6026 §7.2.
#include "sipalg/transaction/invite_client_transaction.h"

#include <algorithm>

namespace sallyport::sip {

InviteClientTransaction::InviteClientTransaction(Reliability reliability, const TimerSettings& timers,
                                                 Timestamp now) noexcept
    : reliability_(reliability), timers_(timers) {
  Calling calling;
  if (reliability == Reliability::Unreliable) calling.timer_a = now + timers.t1;  // RFC 3261 §17.1.1.2
  calling.interval = timers.t1;
  calling.timer_b = now + timers.patience();
  state_ = calling;
}

void InviteClientTransaction::terminate(TransactionActions& out) noexcept {
  state_ = Terminated{};
  add_action(TransactionAction::Terminate, out);
}

void InviteClientTransaction::on_response(unsigned status_code, Timestamp now,
                                          TransactionActions& out) noexcept {
  if (status_code < 200) return on_provisional(now, out);
  status_code < 300 ? on_success(now, out) : on_failure(now, out);
}

void InviteClientTransaction::on_provisional(Timestamp now, TransactionActions& out) noexcept {
  if (!awaits_final_response()) return;
  add_action(TransactionAction::DeliverResponse, out);
  const auto* calling = std::get_if<Calling>(&state_);
  if (calling == nullptr) return;
  const bool cancel_waits = calling->cancel_waits;
  state_ = Proceeding{};  // RFC 3261 §17.1.1.2: the request is not sent again
  if (cancel_waits) cancel(now, out);
}

void InviteClientTransaction::on_success(Timestamp now, TransactionActions& out) noexcept {
  if (is_terminated()) return;
  // Deviates: in Completed too, because a proxy forwards the 2xx of a late fork after the failure that it
  // has sent already, and somebody must end that dialog. RFC 3261 §16.7 step 5
  add_action(TransactionAction::DeliverResponse, out);
  if (awaits_final_response()) state_ = Accepted{now + timers_.patience()};  // RFC 6026 §7.2
}

void InviteClientTransaction::on_failure(Timestamp now, TransactionActions& out) noexcept {
  if (std::holds_alternative<Completed>(state_))
    return add_action(TransactionAction::ResendAck, out);  // RFC 3261 §17.1.1.2
  if (!awaits_final_response()) return;
  add_action(TransactionAction::SendAck, out);
  add_action(TransactionAction::DeliverResponse, out);
  state_ = Completed{now + timers_.timer_d(reliability_)};
}

void InviteClientTransaction::cancel(Timestamp now, TransactionActions& out) noexcept {
  if (auto* calling = std::get_if<Calling>(&state_)) calling->cancel_waits = true;  // RFC 3261 §9.1
  auto* proceeding = std::get_if<Proceeding>(&state_);
  if (proceeding == nullptr || proceeding->timer_x) return;
  add_action(TransactionAction::SendCancel, out);
  proceeding->timer_x = now + timers_.patience();  // RFC 3261 §9.1
}

void InviteClientTransaction::on_transport_error(TransactionActions& out) noexcept {
  const bool sending = awaits_first_response() || std::holds_alternative<Completed>(state_);
  if (!sending) return;
  add_action(TransactionAction::ReportTransportError, out);  // RFC 3261 §17.1.4
  terminate(out);
}

void InviteClientTransaction::on_calling_deadline(Calling& calling, Timestamp now,
                                                  TransactionActions& out) noexcept {
  if (calling.timer_b <= now) {
    add_action(TransactionAction::ReportTimeout, out);  // RFC 3261 §17.1.1.2
    return terminate(out);
  }
  if (!calling.timer_a || *calling.timer_a > now) return;
  add_action(TransactionAction::ResendRequest, out);
  calling.interval *= 2;  // RFC 3261 §17.1.1.2: without T2 as its limit
  calling.timer_a = now + calling.interval;
}

void InviteClientTransaction::on_deadline(Timestamp now, TransactionActions& out) noexcept {
  const auto deadline = next_deadline();
  if (!deadline || *deadline > now) return;
  if (auto* calling = std::get_if<Calling>(&state_)) return on_calling_deadline(*calling, now, out);
  // RFC 3261 §9.1: the INVITE counts as cancelled.
  if (std::holds_alternative<Proceeding>(state_)) add_action(TransactionAction::ReportTimeout, out);
  terminate(out);  // timers D, M and X
}

std::optional<Timestamp> InviteClientTransaction::next_deadline() const noexcept {
  if (const auto* calling = std::get_if<Calling>(&state_))
    return calling->timer_a ? std::min(*calling->timer_a, calling->timer_b) : calling->timer_b;
  if (const auto* proceeding = std::get_if<Proceeding>(&state_)) return proceeding->timer_x;
  if (const auto* accepted = std::get_if<Accepted>(&state_)) return accepted->timer_m;
  if (const auto* completed = std::get_if<Completed>(&state_)) return completed->timer_d;
  return std::nullopt;
}

}  // namespace sallyport::sip
