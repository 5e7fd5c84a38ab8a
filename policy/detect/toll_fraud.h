// toll_fraud.h — calls to costly numbers (costly_prefixes.h) of one account: how many in an hour, how many at
// once, fewer of both outside the hours when people work; and accounts that dial one number after the next
// (threats I7, I8).
//
// Account 0 (nobody's) is counted by its source's address. Calls that were refused count too: who is over the
// limit stays there until the window, which began with the first of them, is over.
#pragma once

#include <optional>
#include <string_view>

#include "policy/decide/keyed_words.h"
#include "policy/decide/threshold_table.h"
#include "policy/detect/finding_maker.h"
#include "policy/detect/number_run.h"

namespace sallyport::policy {

class TollFraudDetector {
 public:
  // `capacity`: accounts.
  TollFraudDetector(const DetectorSettings& settings, std::size_t capacity);

  // Of any call; `payer` is never 0. So many numbers in a row (number_run.h), 0 of a peer: its calls are
  // those of many.
  [[nodiscard]] unsigned run_of(const Actor& actor, std::uint64_t payer, std::string_view called) noexcept;
  struct Moment {
    Timestamp now;
    WeekMinute time;
  };
  [[nodiscard]] std::optional<Suspicion> before_call(const Moment& moment, std::uint64_t payer,
                                                     std::string_view called, unsigned run);

  // An account that is full of calls is found however many others there are: an account with a call is never
  // put out, and one for which there is no room is not counted. An end without its begin does nothing.
  void begin(std::uint64_t payer) noexcept;
  void end(std::uint64_t payer) noexcept;

  static constexpr unsigned kRunThatIsTold = 32;

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept;

 private:
  using Active = KeyedWords<32>;

  const DetectorSettings& settings_;  // outlives it
  ThresholdTable calls_;
  Active active_;  // calls that are up
  NumberRun runs_;
};

}  // namespace sallyport::policy
