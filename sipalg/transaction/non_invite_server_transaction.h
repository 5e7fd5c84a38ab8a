// non_invite_server_transaction.h — RFC 3261 §17.2.2 (Figure 8).
//   in state    input               next        actions                      timers
//   (new)       request             Trying      deliver request
//   Trying      TU 1xx              Proceeding  send
//   Trying      TU 200-699          Completed   send                         J = 64*T1 (UDP), 0 (reliable)
//   Proceeding  request again       Proceeding  resend last 1xx
//   Proceeding  TU 1xx              Proceeding  send
//   Proceeding  TU 200-699          Completed   send                         J
//   Proceeding  transport error     Terminated  report error, terminate
//   Completed   request again       Completed   resend final
//   Completed   transport error     Terminated  report error, terminate
//   Completed   J                   Terminated  terminate
// A pair not listed is absorbed without effect; the exhaustive test enumerates all of them.
#pragma once

#include <optional>
#include <variant>

#include "sipalg/transaction/actions.h"
#include "sipalg/transaction/timer_settings.h"

namespace sallyport::sip {

class NonInviteServerTransaction {
 public:
  NonInviteServerTransaction() noexcept = default;  // Terminated
  NonInviteServerTransaction(Reliability reliability, const TimerSettings& timers) noexcept
      : reliability_(reliability), timers_(timers), state_(Trying{}) {}

  void on_request_again(TransactionActions& out) noexcept;
  // The transaction user answers; 100..699.
  void send(unsigned status_code, Timestamp now, TransactionActions& out) noexcept;
  void on_transport_error(TransactionActions& out) noexcept;
  // Fires timer J when it is due.
  void on_deadline(Timestamp now, TransactionActions& out) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  [[nodiscard]] bool is_answered() const noexcept {
    return std::holds_alternative<Completed>(state_) || is_terminated();
  }
  [[nodiscard]] bool is_terminated() const noexcept { return std::holds_alternative<Terminated>(state_); }

  [[nodiscard]] const TimerSettings& timers() const noexcept { return timers_; }
  [[nodiscard]] Reliability reliability() const noexcept { return reliability_; }

  template <class Archive>
  void archive(Archive& a) {
    a(reliability_, timers_, state_);
  }

 private:
  // Timer J exists only inside the state that may run it.
  struct Terminated {};
  struct Trying {};
  struct Proceeding {};
  struct Completed {
    Timestamp timer_j;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_j);
    }
  };

  void terminate(TransactionActions& out) noexcept;

  Reliability reliability_ = Reliability::Unreliable;
  TimerSettings timers_;
  std::variant<Terminated, Trying, Proceeding, Completed> state_;
};

}  // namespace sallyport::sip
