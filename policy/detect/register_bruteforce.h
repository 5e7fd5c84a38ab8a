// register_bruteforce.h — passwords and users that are tried (threats I2). A failure is a digest answer with
// a good nonce, so its source heard our challenge; N and W are `failures` and `within`.
//
//   counted for              too many   in     and then
//   a user at a flow         N          W      as configured, as the flow's doing
//   a flow, any user         4 N        W      the same; a user that is new at the flow counts double
//   a user at an address     3 N        W      as configured, as the address' doing: a new port each time
//   an address, any user     200 N      W      the same
//   a /24 or /64, any user   400 N      10 W   at most refused, as the network's doing
//   a user, any source       10 N       10 W   only told: nobody can lock another out
//
// From the first five on nobody looks at further answers from there (is_over), until the window is over: who
// may guess no more must not learn of a right one by its answer either. A right answer takes back what its
// flow and address counted for that user. A phone whose password is wrong
// and that tries again every 30 s is never met; a telephone with six lines that all fail once isn't either,
// nor 200 of them behind one address when the passwords' database is down.
#pragma once

#include <optional>
#include <string_view>

#include "policy/decide/threshold_table.h"
#include "policy/detect/finding_maker.h"

namespace sallyport::policy {

class RegisterBruteforceDetector {
 public:
  // Both outlive it; `counts` is shared with other detectors.
  RegisterBruteforceDetector(const DetectorSettings& settings, const HashKey& key, ThresholdTable& counts)
      : settings_(settings), key_(key), counts_(counts) {}

  [[nodiscard]] std::optional<Suspicion> on_failure(Timestamp now, const Actor& actor, const ActorKeys& keys,
                                                    std::string_view user) noexcept;
  void on_login(Timestamp now, const ActorKeys& keys, std::string_view user) noexcept;
  // So many have come from there, or from its address or network, that no more are looked at just now. Not
  // where the detector only logs or challenges.
  [[nodiscard]] bool is_over(Timestamp now, const Actor& actor, const ActorKeys& keys,
                             std::string_view user) const noexcept;

  static constexpr std::uint32_t kTimesOfFlow = 4, kTimesOfUserAtAddress = 3, kTimesOfAddress = 200,
                                 kTimesOfPrefix = 400, kTimesOfUser = 10, kPatience = 10;

 private:
  const DetectorSettings& settings_;
  HashKey key_;
  ThresholdTable& counts_;
};

}  // namespace sallyport::policy
