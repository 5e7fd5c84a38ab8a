// earliest.h — the earliest of several deadlines, any of which may not be there.
#pragma once

#include <optional>

#include "policy/base/time.h"

namespace sallyport::sip {

inline void keep_earlier(std::optional<Timestamp>& earliest,
                         const std::optional<Timestamp>& candidate) noexcept {
  if (candidate && (!earliest || *candidate < *earliest)) earliest = candidate;
}

}  // namespace sallyport::sip
