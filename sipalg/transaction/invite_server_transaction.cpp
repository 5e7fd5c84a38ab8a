// invite_server_transaction.cpp — RFC 3261 §17.2.1; RFC 6026 §7.1.
#include "sipalg/transaction/invite_server_transaction.h"

#include <algorithm>

namespace sallyport::sip {

void InviteServerTransaction::terminate(TransactionActions& out) noexcept {
  state_ = Terminated{};
  add_action(TransactionAction::Terminate, out);
}

void InviteServerTransaction::on_request_again(TransactionActions& out) noexcept {
  const auto* proceeding = std::get_if<Proceeding>(&state_);
  const auto* accepted = std::get_if<Accepted>(&state_);
  // Deviates: RFC 6026 §7.1 absorbs it in Accepted; who asks again has not seen the 2xx, and hears it sooner.
  const bool resends = (proceeding != nullptr && proceeding->has_provisional) ||
                       (accepted != nullptr && !accepted->acknowledged) ||
                       std::holds_alternative<Completed>(state_);  // RFC 3261 §17.2.1
  if (resends) add_action(TransactionAction::ResendResponse, out);
}

bool InviteServerTransaction::on_ack(Timestamp now) noexcept {
  if (auto* accepted = std::get_if<Accepted>(&state_)) accepted->acknowledged = true;  // RFC 6026 §7.1
  if (std::holds_alternative<Confirmed>(state_)) return true;
  if (!std::holds_alternative<Completed>(state_)) return false;
  state_ = Confirmed{now + timers_.timer_i_or_k(reliability_)};  // RFC 3261 §17.2.1
  return true;
}

void InviteServerTransaction::send(unsigned status_code, Timestamp now, TransactionActions& out) noexcept {
  if (std::holds_alternative<Proceeding>(state_)) return send_in_proceeding(status_code, now, out);
  const bool again = std::holds_alternative<Accepted>(state_) && status_code >= 200 && status_code < 300;
  if (again) add_action(TransactionAction::SendResponse, out);  // RFC 6026 §7.1
}

void InviteServerTransaction::send_in_proceeding(unsigned status_code, Timestamp now,
                                                 TransactionActions& out) noexcept {
  add_action(TransactionAction::SendResponse, out);
  if (status_code < 200) {
    state_ = Proceeding{true};
  } else if (status_code < 300) {
    state_ = Accepted{now + timers_.patience()};  // RFC 6026 §7.1
  } else {
    Completed completed;
    if (reliability_ == Reliability::Unreliable) completed.timer_g = now + timers_.t1;  // RFC 3261 §17.2.1
    completed.interval = timers_.t1;
    completed.timer_h = now + timers_.patience();
    state_ = completed;
  }
}

void InviteServerTransaction::on_transport_error(TransactionActions& out) noexcept {
  if (is_terminated() || std::holds_alternative<Confirmed>(state_)) return;
  add_action(TransactionAction::ReportTransportError, out);  // RFC 6026 §7.1: the state stays
}

void InviteServerTransaction::on_deadline(Timestamp now, TransactionActions& out) noexcept {
  const auto deadline = next_deadline();
  if (!deadline || *deadline > now) return;
  auto* completed = std::get_if<Completed>(&state_);
  if (completed == nullptr) return terminate(out);  // timers I and L
  if (completed->timer_h <= now) {
    add_action(TransactionAction::ReportTimeout, out);  // RFC 3261 §17.2.1
    return terminate(out);
  }
  add_action(TransactionAction::ResendResponse, out);
  completed->interval = std::min(2 * completed->interval, timers_.t2);  // RFC 3261 §17.2.1
  completed->timer_g = now + completed->interval;
}

std::optional<Timestamp> InviteServerTransaction::next_deadline() const noexcept {
  if (const auto* accepted = std::get_if<Accepted>(&state_)) return accepted->timer_l;
  if (const auto* completed = std::get_if<Completed>(&state_))
    return completed->timer_g ? std::min(*completed->timer_g, completed->timer_h) : completed->timer_h;
  if (const auto* confirmed = std::get_if<Confirmed>(&state_)) return confirmed->timer_i;
  return std::nullopt;
}

bool InviteServerTransaction::is_acknowledged() const noexcept {
  const auto* accepted = std::get_if<Accepted>(&state_);
  return std::holds_alternative<Confirmed>(state_) || (accepted != nullptr && accepted->acknowledged);
}

}  // namespace sallyport::sip
