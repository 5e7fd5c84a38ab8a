// target_health.h — is one target of a peer up? What OPTIONS probes and failed calls make of it: RFC 3261
// §11, RFC 3263 §4.3.
//
//   state   input                        next   what happens
//   up      probe fails                  up     counted; probed faster; after down_after in a row: down
//   up      call meets silence           up     counted, but for the last; probed at once
//   up      probe is answered            up     the count begins anew
//   down    probe is answered            down   counted; after up_after in a row: up
//   down    probe fails                  down   the count begins anew
// Calls alone take no target down: who calls could send what the other side never answers.
// No clock and no message in here: the owner says what came of a probe.
#pragma once

#include <algorithm>
#include <cstdint>

#include "policy/base/time.h"
#include "policy/model/peer.h"

namespace sallyport::sip {

// A target that fails is asked at least so often.
inline constexpr Duration kAnxiousPing = std::chrono::seconds(5);
// An answer that has not come by then won't be waited for.
inline constexpr Duration kProbePatience = std::chrono::seconds(5);

// Any final answer shows that somebody lives there, but for those that say "not now" or stand for silence.
[[nodiscard]] constexpr bool is_sign_of_life(std::uint16_t code) noexcept {
  return code >= 200 && code != 408 && code != 503;
}

class TargetHealth {
 public:
  TargetHealth() noexcept = default;
  explicit TargetHealth(bool is_up) noexcept : is_up_(is_up) {}

  // True: it is up now, or down, and was not before.
  [[nodiscard]] bool on_success(const HealthConfig& health) noexcept {
    failures_ = 0;
    if (is_up_) return false;
    if (++successes_ < health.up_after) return false;
    successes_ = 0;
    return is_up_ = true;
  }
  void on_failed_calls(const HealthConfig& health, std::uint32_t count) noexcept {
    const std::uint32_t most = is_up_ && health.down_after > 0 ? health.down_after - 1 : failures_;
    failures_ = std::max(failures_, std::min(failures_ + std::min(count, most), most));
  }
  [[nodiscard]] bool on_failure(const HealthConfig& health) noexcept {
    successes_ = 0;
    failures_ = std::min<std::uint32_t>(failures_ + 1, kMost);
    if (!is_up_ || failures_ < health.down_after) return false;
    is_up_ = false;
    return true;
  }
  // Time from one probe to the next. `health.ping` is there.
  [[nodiscard]] Duration interval(const HealthConfig& health) const noexcept {
    return is_up_ && failures_ == 0 ? *health.ping : std::min(*health.ping, kAnxiousPing);
  }
  [[nodiscard]] bool is_up() const noexcept { return is_up_; }
  [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }

 private:
  static constexpr std::uint32_t kMost = 1'000'000;
  bool is_up_ = true;
  std::uint32_t failures_ = 0, successes_ = 0;
};

}  // namespace sallyport::sip
