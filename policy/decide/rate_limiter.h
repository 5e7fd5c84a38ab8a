// rate_limiter.h — a token bucket in one number (the virtual scheduling form of the generic cell rate
// algorithm, ITU-T I.371): the moment at which the bucket would be full again.
//
// Taking a token moves that moment one interval on; a bucket whose moment lies further ahead than `depth` is
// empty. No division, no refill, and a bucket that was never touched is simply full.
#pragma once

#include <algorithm>
#include <cstdint>

#include "policy/base/time.h"
#include "policy/model/units.h"

namespace sallyport::policy {

// What is the same for all buckets of one kind.
struct BucketShape {
  std::int64_t interval_ns = 0;  // one token
  std::int64_t depth_ns = 0;     // how far ahead the full moment may lie before a token is taken; < 0: never

  // At least one token fits; a rate of nothing allows nothing. `share` lcores have the limit between them.
  [[nodiscard]] static constexpr BucketShape of(const BucketLimit& limit, std::uint32_t share = 1) noexcept {
    if (limit.rate.events == 0) return {0, -1};
    const std::int64_t parts = std::max<std::uint32_t>(share, 1);
    const std::int64_t per = limit.rate.per.count();
    const auto events = static_cast<std::int64_t>(std::min<std::uint64_t>(limit.rate.events, INT64_MAX));
    const std::int64_t interval =
        std::max<std::int64_t>(per / events * parts + per % events * parts / events, 1);
    const auto burst = static_cast<std::int64_t>(std::min<std::uint64_t>(limit.burst, INT64_MAX)) / parts;
    const std::int64_t tokens = std::clamp<std::int64_t>(burst, 1, kDepthMax / interval + 1);
    return {interval, interval * (tokens - 1)};
  }
  // A rate without a burst of its own: what comes in `window` may come at once.
  [[nodiscard]] static constexpr BucketShape of_rate(const Rate& rate, Duration window,
                                                     std::uint32_t share = 1) noexcept {
    if (rate.events == 0) return {0, -1};
    const double burst = rate.per_second() * static_cast<double>(window.count()) / 1e9;
    return of({rate, static_cast<std::uint64_t>(std::min(burst, 1e15))}, share);
  }

 private:
  static constexpr std::int64_t kDepthMax = std::int64_t{86'400} * 1'000'000'000;
};

class TokenBucket {
 public:
  // False, and nothing is taken, when the bucket is empty.
  [[nodiscard]] bool take(const BucketShape& shape, Timestamp now) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    const std::int64_t full = std::max(full_at_, at);
    if (full - at > shape.depth_ns) return false;
    full_at_ = full + shape.interval_ns;
    return true;
  }
  // A full bucket knows nothing that a new one would not know.
  [[nodiscard]] bool is_full(Timestamp now) const noexcept {
    return full_at_ <= now.time_since_epoch().count();
  }
  // Orders buckets by how long ago they were, or will be, full.
  [[nodiscard]] std::int64_t full_at() const noexcept { return full_at_; }

 private:
  std::int64_t full_at_ = INT64_MIN / 2;
};

}  // namespace sallyport::policy
