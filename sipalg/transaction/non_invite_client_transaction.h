// non_invite_client_transaction.h — RFC 3261 §17.1.2 (Figure 6).
//   in state    input             next        actions                     timers
//   (new)       request was sent  Trying                                  E = T1 (UDP only), F = 64*T1
//   Trying      E                 Trying      resend request              E = min(2*E, T2)
//   Trying      1xx               Proceeding  deliver                     (E and F go on)
//   Proceeding  E                 Proceeding  resend request              E = T2
//   Proceeding  1xx               Proceeding  deliver
//   Trying | Proceeding  F        Terminated  report timeout, terminate
//   Trying | Proceeding  error    Terminated  report error, terminate
//   Trying | Proceeding  200-699  Completed   deliver                     K = T4 (UDP), 0 (reliable)
//   Completed   K                 Terminated  terminate
// A pair not listed is absorbed without effect; the exhaustive test enumerates all of them.
#pragma once

#include <optional>
#include <variant>

#include "sipalg/transaction/actions.h"
#include "sipalg/transaction/timer_settings.h"

namespace sallyport::sip {

class NonInviteClientTransaction {
 public:
  NonInviteClientTransaction() noexcept = default;  // Terminated
  // The request has just been sent.
  NonInviteClientTransaction(Reliability reliability, const TimerSettings& timers, Timestamp now) noexcept;

  void on_response(unsigned status_code, Timestamp now, TransactionActions& out) noexcept;
  void on_transport_error(TransactionActions& out) noexcept;
  // Fires one timer that is due, if any.
  void on_deadline(Timestamp now, TransactionActions& out) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  [[nodiscard]] bool awaits_first_response() const noexcept {
    const auto* waiting = std::get_if<Waiting>(&state_);
    return waiting != nullptr && !waiting->proceeding;
  }
  [[nodiscard]] bool awaits_final_response() const noexcept {
    return std::holds_alternative<Waiting>(state_);
  }
  [[nodiscard]] bool needs_request() const noexcept { return awaits_final_response(); }
  [[nodiscard]] bool is_terminated() const noexcept { return std::holds_alternative<Terminated>(state_); }

  [[nodiscard]] const TimerSettings& timers() const noexcept { return timers_; }
  [[nodiscard]] Reliability reliability() const noexcept { return reliability_; }

  template <class Archive>
  void archive(Archive& a) {
    a(reliability_, timers_, state_);
  }

 private:
  // A timer exists only inside the state that may run it.
  struct Terminated {};
  // Trying and Proceeding run the same timers.
  struct Waiting {
    bool proceeding = false;
    std::optional<Timestamp> timer_e;
    Duration interval{};
    Timestamp timer_f;
    template <class Archive>
    void archive(Archive& a) {
      a(proceeding, timer_e, interval, timer_f);
      keep_sane(interval, a);
    }
  };
  struct Completed {
    Timestamp timer_k;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_k);
    }
  };

  void terminate(TransactionActions& out) noexcept;

  Reliability reliability_ = Reliability::Unreliable;
  TimerSettings timers_;
  std::variant<Terminated, Waiting, Completed> state_;
};

}  // namespace sallyport::sip
