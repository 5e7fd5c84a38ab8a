// detector_settings.h — what `security.detectors` says, to be read by many threads while one changes it: each
// figure is an atomic word. While a reload lasts a thread may see one figure of it and not yet the next.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/base/shared_value.h"
#include "policy/detect/caller_list.h"
#include "policy/detect/costly_prefixes.h"
#include "policy/detect/detector.h"
#include "policy/model/security.h"
#include "policy/route/time_span.h"

namespace sallyport::policy {

// What is more than a figure.
struct DetectorTerms {
  CostlyPrefixes costly;
  std::vector<TimeSpan> toll_hours;  // empty: always
  Rate off_hours_calls;
  std::uint32_t off_hours_at_once = 0;
  SharedValue<CallerList> denied, allowed;  // null: nobody
};

// Of calls to costly numbers, at one time.
struct CostlyLimits {
  Rate calls;
  std::uint32_t at_once = 0;
  bool are_off_hours = false;
};

class DetectorSettings {
 public:
  explicit DetectorSettings(const DetectorsConfig& config) : terms_(make_value<DetectorTerms>()) {
    adopt(config);
  }
  // One thread at a time.
  void adopt(const DetectorsConfig& config);

  [[nodiscard]] Reaction reaction(Detector detector) const noexcept {
    const std::uint64_t word = reactions_[static_cast<std::size_t>(detector)].load(std::memory_order_relaxed);
    return {static_cast<DetectorAction>(word & 3), std::chrono::milliseconds(word >> 2)};
  }
  [[nodiscard]] std::uint32_t login_failures() const noexcept { return login_failures_.load(kRelaxed); }
  [[nodiscard]] Duration login_window() const noexcept {
    return std::chrono::milliseconds(login_window_ms_.load(kRelaxed));
  }
  [[nodiscard]] Rate malformed() const noexcept { return rate_in(malformed_); }
  [[nodiscard]] Rate calls_per_callee() const noexcept { return rate_in(calls_per_callee_); }
  // A time that is not known is within the hours.
  [[nodiscard]] CostlyLimits costly_limits(WeekMinute time) const;
  [[nodiscard]] bool is_costly(std::string_view called) const { return terms()->costly.has(called); }
  [[nodiscard]] SharedValue<DetectorTerms> terms() const { return terms_.read(); }

 private:
  static constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
  // From the top: 32 bits of events, 32 bits of milliseconds.
  using RateWord = std::atomic<std::uint64_t>;
  [[nodiscard]] static Rate rate_in(const RateWord& word) noexcept {
    const std::uint64_t value = word.load(kRelaxed);
    return {value >> 32, std::chrono::milliseconds(value & 0xffffffffu)};
  }
  static void put(RateWord& word, const Rate& rate) noexcept;

  std::array<std::atomic<std::uint64_t>, kDetectorCount> reactions_{};
  std::atomic<std::uint32_t> login_failures_{0}, costly_at_once_{0};
  std::atomic<std::int64_t> login_window_ms_{0};
  RateWord malformed_{0}, calls_per_callee_{0}, costly_calls_{0};
  SharedSlot<DetectorTerms> terms_;
};

}  // namespace sallyport::policy
