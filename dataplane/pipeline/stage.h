// stage.h — what a stage is: runs to completion over one burst on one lcore; no lock, no allocation.
#pragma once

#include <concepts>
#include <string_view>

#include "dataplane/pipeline/burst.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

template <class S>
concept Stage = requires(S stage, Timestamp now, Burst& burst) {
  { S::kName } -> std::convertible_to<std::string_view>;
  { stage.process(now, burst) } noexcept -> std::same_as<void>;
};

}  // namespace sallyport::dataplane
