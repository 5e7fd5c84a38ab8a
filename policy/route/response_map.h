// response_map.h — which status code a neighbour is shown in place of another (profiles[].responses.map).
#pragma once

#include <cstdint>
#include <span>

#include "policy/model/profile.h"

namespace sallyport::policy {

// The first entry for `code` wins; without one it stays. Only final codes that are not success are mapped,
// and only to such: a map can't make a call of a failure. RFC 3261 §21
[[nodiscard]] constexpr std::uint16_t mapped_code(std::span<const ResponseMap> map,
                                                  std::uint16_t code) noexcept {
  if (code < 300 || code > 699) return code;
  for (const ResponseMap& entry : map)
    if (entry.in == code) return entry.out >= 300 && entry.out <= 699 ? entry.out : code;
  return code;
}

}  // namespace sallyport::policy
