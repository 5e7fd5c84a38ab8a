// invite_client_transaction.h — RFC 3261 §17.1.1 (Figure 5), §9.1, with Accepted of RFC 6026 §7.2.
//   in state    input             next        actions                     timers
//   (new)       request was sent  Calling                                 A = T1 (UDP only), B = 64*T1
//   Calling     A                 Calling     resend request              A = 2*A
//   Calling     B                 Terminated  report timeout, terminate
//   Calling     transport error   Terminated  report error, terminate
//   Calling     TU cancels        Calling     (CANCEL waits for a 1xx)
//   Calling     1xx               Proceeding  deliver; send CANCEL if the TU cancelled; then X = 64*T1
//   Proceeding  1xx               Proceeding  deliver
//   Proceeding  TU cancels        Proceeding  send CANCEL, once           X = 64*T1
//   Proceeding  X                 Terminated  report timeout, terminate
//   Calling | Proceeding  2xx     Accepted    deliver                     M = 64*T1
//   Calling | Proceeding  300-699 Completed   send ACK, deliver           D = 32 s or more (UDP), 0
//   (reliable) Accepted    2xx               Accepted    deliver Accepted    M                 Terminated
//   terminate Completed   300-699           Completed   resend ACK Completed   2xx               Completed
//   deliver Completed   transport error   Terminated  report error, terminate Completed   D Terminated
//   terminate
// A pair not listed is absorbed without effect; the exhaustive test enumerates all of them. Timer X is the
// last paragraph of §9.1. Timer C (§16.6) is its user's, who cancels when it fires.
#pragma once

#include <optional>
#include <variant>

#include "sipalg/transaction/actions.h"
#include "sipalg/transaction/timer_settings.h"

namespace sallyport::sip {

class InviteClientTransaction {
 public:
  InviteClientTransaction() noexcept = default;  // Terminated
  // The request has just been sent.
  InviteClientTransaction(Reliability reliability, const TimerSettings& timers, Timestamp now) noexcept;

  void on_response(unsigned status_code, Timestamp now, TransactionActions& out) noexcept;
  void cancel(Timestamp now, TransactionActions& out) noexcept;
  void on_transport_error(TransactionActions& out) noexcept;
  // Fires one timer that is due, if any.
  void on_deadline(Timestamp now, TransactionActions& out) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  [[nodiscard]] bool awaits_first_response() const noexcept {
    return std::holds_alternative<Calling>(state_);
  }
  [[nodiscard]] bool awaits_final_response() const noexcept {
    return awaits_first_response() || std::holds_alternative<Proceeding>(state_);
  }
  // Its user has cancelled it, and the CANCEL waits for a 1xx.
  [[nodiscard]] bool cancel_waits() const noexcept {
    const auto* calling = std::get_if<Calling>(&state_);
    return calling != nullptr && calling->cancel_waits;
  }
  // The request may be needed again, for its CANCEL, its ACK, or to be sent.
  [[nodiscard]] bool needs_request() const noexcept {
    return awaits_final_response() || std::holds_alternative<Completed>(state_);
  }
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
  struct Calling {
    std::optional<Timestamp> timer_a;
    Duration interval{};
    Timestamp timer_b;
    bool cancel_waits = false;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_a, interval, timer_b, cancel_waits);
      keep_sane(interval, a);
    }
  };
  struct Proceeding {
    std::optional<Timestamp> timer_x;  // runs when the CANCEL was sent
    template <class Archive>
    void archive(Archive& a) {
      a(timer_x);
    }
  };
  struct Accepted {
    Timestamp timer_m;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_m);
    }
  };
  struct Completed {
    Timestamp timer_d;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_d);
    }
  };

  void on_provisional(Timestamp now, TransactionActions& out) noexcept;
  void on_success(Timestamp now, TransactionActions& out) noexcept;
  void on_failure(Timestamp now, TransactionActions& out) noexcept;
  void on_calling_deadline(Calling& calling, Timestamp now, TransactionActions& out) noexcept;
  void terminate(TransactionActions& out) noexcept;

  Reliability reliability_ = Reliability::Unreliable;
  TimerSettings timers_;
  std::variant<Terminated, Calling, Proceeding, Accepted, Completed> state_;
};

}  // namespace sallyport::sip
