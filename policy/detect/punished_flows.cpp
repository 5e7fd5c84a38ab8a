// punished_flows.cpp — see punished_flows.h.
#include "policy/detect/punished_flows.h"

#include <algorithm>
#include <optional>

#include "policy/detect/second_of.h"

namespace sallyport::policy {

void PunishedFlows::enter(std::uint64_t flow, Timestamp now, Timestamp until, bool is_proved) noexcept {
  const auto worth = [at = second_of(now)](std::uint64_t state) {
    return state >> 1 <= at ? std::uint64_t{0} : state >> 1;
  };
  words_.change(flow, worth, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    const bool lasts = state && worth(*state) != 0;
    const std::uint64_t ends = std::max(second_of(until), lasts ? *state >> 1 : 0);
    return ends << 1 | (is_proved || (lasts && (*state & 1) != 0) ? 1u : 0u);
  });
  is_used_.store(true, std::memory_order_relaxed);
}

PunishedFlows::Standing PunishedFlows::standing(std::uint64_t flow, Timestamp now) const noexcept {
  if (is_empty()) return Standing::Free;
  const std::optional<std::uint64_t> state = words_.find(flow);
  if (!state || *state >> 1 <= second_of(now)) return Standing::Free;
  return (*state & 1) != 0 ? Standing::Punished : Standing::PunishedUnproved;
}

}  // namespace sallyport::policy
