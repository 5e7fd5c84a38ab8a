// cause_map.h — causes of the telephone network (ITU-T Q.850) beside status codes: what a neighbour's cause
// counts as (profiles[].responses.causes), and which one goes with a failure: RFC 3326 §2, RFC 3398 §8.2.6.1.
#pragma once

#include <cstdint>
#include <span>

#include "policy/model/profile.h"

namespace sallyport::policy {

// What a failure with status `code` and that cause counts as: the first entry for the cause wins, without one
// the code stays. Cause 0 is none. Only failures are changed, and only to failures.
[[nodiscard]] std::uint16_t code_by_cause(std::span<const CauseMap> map, std::uint16_t cause,
                                          std::uint16_t code) noexcept;

// The cause that goes with a failure's status code where the other side gave none; 0: none does. What the
// neighbour's own map has for the code goes before the table of RFC 3398 §8.2.6.1: its first entry counts.
[[nodiscard]] std::uint8_t cause_of_code(std::uint16_t code, std::span<const CauseMap> map = {}) noexcept;

}  // namespace sallyport::policy
