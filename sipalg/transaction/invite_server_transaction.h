// invite_server_transaction.h — RFC 3261 §17.2.1 (Figure 7) with Accepted of RFC 6026 §7.1.
//   in state    input            next        actions                     timers
//   (new)       request          Proceeding
//   Proceeding  INVITE again     Proceeding  resend last 1xx, if any
//   Proceeding  TU 1xx           Proceeding  send
//   Proceeding  TU 2xx           Accepted    send                        L = 64*T1
//   Proceeding  TU 300-699       Completed   send                        G = T1 (UDP only), H = 64*T1
//   Accepted    INVITE again     Accepted    resend the 2xx, until the ACK
//   Accepted    TU 2xx           Accepted    send
//   Accepted    ACK              Accepted    (the ACK is the dialog's)
//   Accepted    L                Terminated  terminate
//   Completed   INVITE again     Completed   resend final
//   Completed   G                Completed   resend final                G = min(2*G, T2)
//   Completed   ACK              Confirmed                               I = T4 (UDP), 0 (reliable)
//   Completed   H                Terminated  report timeout, terminate
//   Confirmed   I                Terminated  terminate
//   Proceeding | Accepted | Completed  transport error  (same)  report error
// A pair not listed is absorbed without effect; the exhaustive test enumerates all of them. The 100 within
// 200 ms is its user's.
#pragma once

#include <optional>
#include <variant>

#include "sipalg/transaction/actions.h"
#include "sipalg/transaction/timer_settings.h"

namespace sallyport::sip {

class InviteServerTransaction {
 public:
  InviteServerTransaction() noexcept = default;  // Terminated
  InviteServerTransaction(Reliability reliability, const TimerSettings& timers) noexcept
      : reliability_(reliability), timers_(timers), state_(Proceeding{}) {}

  void on_request_again(TransactionActions& out) noexcept;
  // True when it was the ACK of a failure; false: it belongs to the dialog, or to nothing.
  bool on_ack(Timestamp now) noexcept;
  // The transaction user answers; 100..699.
  void send(unsigned status_code, Timestamp now, TransactionActions& out) noexcept;
  void on_transport_error(TransactionActions& out) noexcept;
  // Fires one timer that is due, if any.
  void on_deadline(Timestamp now, TransactionActions& out) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  [[nodiscard]] bool is_answered() const noexcept { return !std::holds_alternative<Proceeding>(state_); }
  // The kept response will not be sent again.
  [[nodiscard]] bool is_acknowledged() const noexcept;
  // A failure that is sent again until its ACK comes. RFC 3261 §17.2.1
  [[nodiscard]] bool waits_for_ack() const noexcept { return std::holds_alternative<Completed>(state_); }
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
  struct Proceeding {
    bool has_provisional = false;
    template <class Archive>
    void archive(Archive& a) {
      a(has_provisional);
    }
  };
  struct Accepted {
    Timestamp timer_l;
    bool acknowledged = false;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_l, acknowledged);
    }
  };
  struct Completed {
    std::optional<Timestamp> timer_g;
    Duration interval{};
    Timestamp timer_h;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_g, interval, timer_h);
      keep_sane(interval, a);
    }
  };
  struct Confirmed {
    Timestamp timer_i;
    template <class Archive>
    void archive(Archive& a) {
      a(timer_i);
    }
  };

  void send_in_proceeding(unsigned status_code, Timestamp now, TransactionActions& out) noexcept;
  void terminate(TransactionActions& out) noexcept;

  Reliability reliability_ = Reliability::Unreliable;
  TimerSettings timers_;
  std::variant<Terminated, Proceeding, Accepted, Completed, Confirmed> state_;
};

}  // namespace sallyport::sip
