// binding_seats.h — the bindings that one engine looks after, and when each needs it: the end of its time,
// and the keep-alives of its flow (RFC 5626 §3.5.1, §4.4).
//
// A refresh touches no timer: what fires too early is armed anew.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "policy/base/time.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/registrar/binding_board.h"

namespace sallyport::sip {

struct BindingSeat {
  SharedValue<Binding> binding;  // null: the seat is free
  Timestamp heard{};             // when something was last sent or heard over the flow
  Duration keepalive{};          // 0: none is needed
  unsigned unsettled = 0;        // times that its end had to wait
};

class BindingSeats {
 public:
  BindingSeats();

  // In place of the one of the same number, or a new one. `keepalive` 0: none. `chance`: anything random, so
  // that flows are not pinged all at once.
  void enter(SharedValue<Binding> binding, Timestamp now, Duration keepalive, std::uint64_t chance);
  // Nobody knows when it was heard last: its next keep-alive comes within seconds.
  void hasten(std::uint64_t number, Timestamp now, std::uint64_t chance);
  void leave(std::uint64_t number);
  // Null: it is not one of ours.
  [[nodiscard]] BindingSeat* find(std::uint64_t number) noexcept;

  enum class Need : std::uint8_t { End, KeepAlive };
  struct Due {
    BindingSeat* seat;
    Need need;
  };
  // Nothing: none is due; at most a bounded number is looked at. Whoever gets End either lets the binding
  // leave() or hears of it again two seconds later.
  [[nodiscard]] std::optional<Due> next_due(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return wheel_.next_deadline(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(places_.size()); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const BindingSeat& seat : seats_)
      if (seat.binding) visit(seat);
  }

 private:
  std::vector<BindingSeat> seats_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::uint64_t, std::uint32_t> places_;  // by number, which no stranger chooses
  TimerWheel wheel_;
};

}  // namespace sallyport::sip
