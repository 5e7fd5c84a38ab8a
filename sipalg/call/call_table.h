// call_table.h — all calls of one engine, by number, with one timer each. The capacity is fixed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "policy/base/id_map.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/call/call.h"

namespace sallyport::sip {

class CallTable {
 public:
  explicit CallTable(std::uint32_t capacity);

  // Null: the table is full. The pointer is good until the call is erased.
  [[nodiscard]] Call* make(std::uint64_t number);
  [[nodiscard]] Call* find(std::uint64_t number) noexcept;
  [[nodiscard]] const Call* find(std::uint64_t number) const noexcept;
  void erase(std::uint64_t number) noexcept;
  // A dialog leaves this call: by whose tokens it goes. From now on they are its heir's.
  [[nodiscard]] std::vector<std::uint64_t> give_names(Call& from);
  // What its former numbers name is there: a dialog has gone over to it, or it was restored.
  void take_names(const Call& heir);
  // The call that a dialog of `number` has gone over to; null: none has.
  [[nodiscard]] Call* heir_of(std::uint64_t number) noexcept;
  // Before the first call of a table that begins late, as after a restart: time starts here.
  void wind(Timestamp now) noexcept {
    if (size_ == 0) (void)wheel_.pop_due(now);
  }

  void arm(std::uint64_t number, std::optional<Timestamp> deadline) noexcept;
  // A call whose deadline has come; null when there is none.
  [[nodiscard]] Call* pop_due(Timestamp now) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return wheel_.next_deadline(); }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool full() const noexcept { return free_.empty(); }
  // In no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const std::unique_ptr<Call>& call : calls_)
      if (call) visit(*call);
  }

 private:
  // So many calls that ended are begun anew with the memory that they had: no allocation of that size in the
  // steady state.
  static constexpr std::size_t kSparesMax = 64;

  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<std::unique_ptr<Call>> spares_;
  std::vector<std::uint32_t> free_;
  IdMap slots_;
  std::unordered_map<std::uint64_t, std::uint64_t> heirs_;  // number of a call, of its heir
  TimerWheel wheel_;
  std::uint32_t size_ = 0;
};

}  // namespace sallyport::sip
