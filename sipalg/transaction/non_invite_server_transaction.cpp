// non_invite_server_transaction.cpp — RFC 3261 §17.2.2.
#include "sipalg/transaction/non_invite_server_transaction.h"

namespace sallyport::sip {

void NonInviteServerTransaction::terminate(TransactionActions& out) noexcept {
  state_ = Terminated{};
  add_action(TransactionAction::Terminate, out);
}

void NonInviteServerTransaction::on_request_again(TransactionActions& out) noexcept {
  // In Trying nothing was sent yet, so there is nothing to repeat. RFC 3261 §17.2.2
  const bool answered =
      std::holds_alternative<Proceeding>(state_) || std::holds_alternative<Completed>(state_);
  if (answered) add_action(TransactionAction::ResendResponse, out);
}

void NonInviteServerTransaction::send(unsigned status_code, Timestamp now, TransactionActions& out) noexcept {
  // A second final response is discarded. RFC 3261 §17.2.2
  if (std::holds_alternative<Completed>(state_) || is_terminated()) return;
  add_action(TransactionAction::SendResponse, out);
  if (status_code < 200) {
    state_ = Proceeding{};
    return;
  }
  state_ = Completed{now + timers_.timer_j(reliability_)};
}

void NonInviteServerTransaction::on_transport_error(TransactionActions& out) noexcept {
  const bool sending =
      std::holds_alternative<Proceeding>(state_) || std::holds_alternative<Completed>(state_);
  if (!sending) return;
  add_action(TransactionAction::ReportTransportError, out);  // RFC 3261 §17.2.4
  terminate(out);
}

void NonInviteServerTransaction::on_deadline(Timestamp now, TransactionActions& out) noexcept {
  const auto deadline = next_deadline();
  if (deadline && *deadline <= now) terminate(out);  // timer J. RFC 3261 §17.2.2
}

std::optional<Timestamp> NonInviteServerTransaction::next_deadline() const noexcept {
  const auto* completed = std::get_if<Completed>(&state_);
  return completed == nullptr ? std::nullopt : std::optional(completed->timer_j);
}

}  // namespace sallyport::sip
