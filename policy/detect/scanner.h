// scanner.h — who asks for one target after another that is not here (threats I9).
//
// What tells a scanner from phones that lost their registration is how many different targets it asks for: a
// phone repeats the few that it knows, at most the hundred keys of a receptionist's. So it is the targets of
// each flow (address and port) that count, and those of an address, which may be 200 phones, only when they
// are many more. Sets of different targets are bitmaps (distinct_table.h); of what is allowed to be large one
// target in so many is looked at.
#pragma once

#include <array>
#include <optional>

#include "policy/decide/threshold_table.h"
#include "policy/detect/distinct_table.h"
#include "policy/detect/finding_maker.h"

namespace sallyport::policy {

class ScannerDetector {
 public:
  // Both outlive it. `capacity`: sets of targets.
  ScannerDetector(std::size_t capacity, const HashKey& key, ThresholdTable& counts)
      : key_(key), counts_(counts), targets_(capacity) {}

  // `target` may be empty: it counts as one.
  [[nodiscard]] std::optional<Suspicion> on_target(Timestamp now, const Actor& actor, const ActorKeys& keys,
                                                   std::string_view target) noexcept;

  // So many bits of 64 make a scanner: never fewer different targets than that, about 133 of them.
  static constexpr unsigned kBits = 56;
  // Of a flow in a minute, whatever the targets: more than 50 a second, retransmissions among them.
  static constexpr std::uint32_t kRequestsOfMinute = 3000;

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return DistinctTable::memory_for(capacity);
  }

 private:
  HashKey key_;
  ThresholdTable& counts_;
  DistinctTable targets_;
};

}  // namespace sallyport::policy
