// call_ledger.h — which calls were answered and have not ended, as the journal knows them: so that each of
// them gets exactly one `end`, and its times of day are the same in all of its records.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/records/call_map.h"
#include "mgmt/records/cdr_json.h"

namespace sallyport::mgmt {

class CallLedger {
 public:
  // Calls whose end is remembered, so that a second one is noticed.
  static constexpr std::size_t kEndedMax = 100'000;

  explicit CallLedger(std::size_t open_max) : open_max_(open_max) {}

  // Takes a new record in; a Start is followed by open(). False: the call has had such a record; nothing is
  // changed.
  [[nodiscard]] bool admit(const CallRecord& record, CdrTimes& times);
  // The seq of a record that is written now.
  [[nodiscard]] std::uint64_t take_seq() noexcept { return next_seq_++; }
  // A call is up; `encoded`: its record (cdr_code.h).
  void open(std::uint64_t call, std::string_view encoded);
  void close(std::uint64_t call);

  // What is known of an open call, as its next `interim` with its seq. Nothing: it is not open.
  [[nodiscard]] std::optional<Cdr> interim(std::uint64_t call, std::uint64_t duration_ms);
  // Ends a call of an earlier run: answered, ended by Sallyport, "restart", at the last moment that is known
  // of that run. Not admitted yet.
  [[nodiscard]] Cdr restart_end(std::uint64_t call, WallTime last_moment) const;

  // Each open call with its encoded record, in no order.
  template <class Visit>
  void each_open(Visit visit) const {
    for (const Open& open : open_)
      if (open.call != 0) visit(open.call, std::string_view(open.encoded));
  }
  [[nodiscard]] std::size_t open_calls() const noexcept { return open_.size() - free_.size(); }
  [[nodiscard]] bool is_open(std::uint64_t call) const noexcept { return find_open(call) != nullptr; }
  [[nodiscard]] bool has_ended(std::uint64_t call) const noexcept;
  [[nodiscard]] std::uint64_t next_seq() const noexcept { return next_seq_; }
  // At least `seq`.
  void raise_next_seq(std::uint64_t seq) noexcept;

 private:
  static constexpr std::uint32_t kHasEnded = UINT32_MAX;  // in the place of a slot
  static constexpr std::size_t kKeptFree = 4096;          // free slots that keep their memory
  struct Open {
    std::uint64_t call = 0;  // 0: free
    std::string encoded;
  };

  [[nodiscard]] const Open* find_open(std::uint64_t call) const noexcept;
  void release(std::uint32_t slot);

  std::size_t open_max_;
  std::uint64_t next_seq_ = 1;
  CallMap calls_;  // to a slot of open_, or kHasEnded
  std::vector<Open> open_;
  std::vector<std::uint32_t> free_;  // the one that was freed last is taken first: its memory is warm
  std::deque<std::uint64_t> ended_order_;
};

}  // namespace sallyport::mgmt
