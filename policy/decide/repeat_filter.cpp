// repeat_filter.cpp — see repeat_filter.h.
#include "policy/decide/repeat_filter.h"

#include <algorithm>
#include <optional>

namespace sallyport::policy {
namespace {

[[nodiscard]] std::uint64_t millisecond_of(Timestamp time) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

RepeatFilter::RepeatFilter(const HashKey& key, std::uint32_t lcores)
    : key_{key.k0 ^ 0x7265706561746564u, key.k1}, words_(kCapacity / std::max(lcores, 1u)) {}

bool RepeatFilter::is_again(std::string_view payload, Timestamp now) noexcept {
  const std::uint64_t at = millisecond_of(now) & Words::kStateMask;
  const auto age_of = [at](std::uint64_t state) {
    return std::chrono::milliseconds(static_cast<std::int64_t>((at - state) & Words::kStateMask));
  };
  const auto worth = [&](std::uint64_t state) {
    const Duration age = age_of(state);
    return age > kLatest ? std::uint64_t{0} : static_cast<std::uint64_t>((kLatest - age).count()) + 1;
  };
  bool is_it = false;
  const auto next = [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    is_it = state && age_of(*state) >= kSoonest && age_of(*state) <= kLatest;
    const bool is_too_soon = state && age_of(*state) < kSoonest;
    return is_too_soon ? *state : at;
  };
  words_.change(keyed_hash(key_, payload.substr(0, kBytesHashed)), worth, next);
  return is_it;
}

}  // namespace sallyport::policy
