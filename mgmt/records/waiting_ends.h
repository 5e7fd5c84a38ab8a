// waiting_ends.h — `end` records that are in the journal and wait for the relay's last figures of their
// streams, so that what came after BYE is in them (contract: CDR; threats D9).
//
// A record leaves when the last of its reports has come, or when its time is up: then it is written as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "mgmt/records/cdr_json.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::mgmt {

class WaitingEnds {
 public:
  // From the call's end. The contract has the line in its file 5 s after it.
  static constexpr Duration kLongest = 4500ms;

  explicit WaitingEnds(std::size_t max) : max_(max) {}

  [[nodiscard]] bool is_full() const noexcept { return ends_.size() >= max_; }
  // Not when it is full. `reports`: how many are to come.
  void add(Cdr end, std::uint16_t reports, Timestamp until);
  // False: nobody waits for it.
  [[nodiscard]] bool take(const sip::MediaReportEvent& report);
  // One that need not wait any longer.
  [[nodiscard]] std::optional<Cdr> pop(Timestamp now);
  // Without waiting, those whose time would be up first.
  [[nodiscard]] std::optional<Cdr> pop_any() { return pop(Timestamp::max()); }
  // A call whose `end` is known to be written.
  void forget(std::uint64_t call);

  [[nodiscard]] std::optional<Timestamp> next_deadline() const;
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [until, call] : deadlines_) visit(ends_.at(call).end);
  }

 private:
  struct Entry {
    Cdr end;
    std::uint16_t reports = 0;
    Timestamp until{};
  };
  using Ends = std::unordered_map<std::uint64_t, Entry>;  // keys are numbers of our own

  std::size_t max_;
  Ends ends_;
  std::set<std::pair<Timestamp, std::uint64_t>> deadlines_;  // of all in ends_; min(): it has all its reports
};

}  // namespace sallyport::mgmt
