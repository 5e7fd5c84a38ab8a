// call_ledger.h — which calls were answered and have not ended, as the journal knows them: so that each of
// them gets exactly one `end`, and its times of day are the same in all of its records.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "mgmt/records/cdr_json.h"

namespace sallyport::mgmt {

class CallLedger {
 public:
  // Calls whose end is remembered, so that a second one is noticed.
  static constexpr std::size_t kEndedMax = 100'000;

  explicit CallLedger(std::size_t open_max) : open_max_(open_max) {}

  // Takes a new record in and gives it its seq. False: the call has had such a record; nothing is changed.
  [[nodiscard]] bool admit(Cdr& cdr);
  // Takes in the end of a call whose record is written later: as admit(), without a seq.
  [[nodiscard]] bool admit_end(Cdr& end);
  // Its seq, when it is written.
  void number(Cdr& end) noexcept { end.seq = next_seq_++; }
  // The same for one that the journal had, with the seq that it has.
  void replay(const Cdr& cdr);
  void open(const Cdr& cdr);
  void close(std::uint64_t call);

  // What is known of an open call, as its next `interim` with its seq. Nothing: it is not open.
  [[nodiscard]] std::optional<Cdr> interim(std::uint64_t call, std::uint64_t duration_ms);
  // Ends a call of an earlier run: answered, ended by Sallyport, "restart", at the last moment that is known
  // of that run. Not admitted yet.
  [[nodiscard]] Cdr restart_end(std::uint64_t call, WallTime last_moment) const;

  // Encoded records of the open calls.
  [[nodiscard]] const std::unordered_map<std::uint64_t, std::string>& open_calls() const noexcept {
    return open_;
  }
  [[nodiscard]] bool is_open(std::uint64_t call) const { return open_.contains(call); }
  [[nodiscard]] bool has_ended(std::uint64_t call) const { return ended_.contains(call); }
  [[nodiscard]] std::uint64_t next_seq() const noexcept { return next_seq_; }
  // At least `seq`.
  void raise_next_seq(std::uint64_t seq) noexcept;

 private:
  [[nodiscard]] bool accept(Cdr& cdr) const;

  std::size_t open_max_;
  std::uint64_t next_seq_ = 1;
  std::unordered_map<std::uint64_t, std::string> open_;  // keys are numbers of our own
  std::unordered_set<std::uint64_t> ended_;
  std::deque<std::uint64_t> ended_order_;
};

}  // namespace sallyport::mgmt
