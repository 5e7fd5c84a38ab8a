// toll_fraud.cpp — see toll_fraud.h.
#include "policy/detect/toll_fraud.h"

#include <algorithm>

namespace sallyport::policy {
namespace {

// A window of an hour is exact to a second, and a count is taken for a new one after twelve days at the
// earliest.
constexpr Duration kLongest = std::chrono::hours(24), kTick = std::chrono::seconds(1);
// More calls of one account at once than there can be.
constexpr std::uint64_t kActiveMax = 0xffffffff;

[[nodiscard]] std::uint64_t as_worth(std::uint64_t count) noexcept { return count; }

}  // namespace

TollFraudDetector::TollFraudDetector(const DetectorSettings& settings, std::size_t capacity)
    : settings_(settings), calls_(capacity, kLongest, kTick), active_(capacity), runs_(capacity) {}

std::size_t TollFraudDetector::memory_for(std::size_t capacity) noexcept {
  return ThresholdTable::memory_for(capacity) + Active::memory_for(capacity) +
         NumberRun::memory_for(capacity);
}

unsigned TollFraudDetector::run_of(const Actor& actor, std::uint64_t payer,
                                   std::string_view called) noexcept {
  return actor.is_peer ? 0 : runs_.add(payer, called);
}

std::optional<Suspicion> TollFraudDetector::before_call(const Moment& moment, std::uint64_t payer,
                                                        std::string_view called, unsigned run) {
  constexpr std::uint8_t kCallsConfidence = 70, kAtOnceConfidence = 70, kRunConfidence = 25;
  Suspicion suspicion{.detector = Detector::TollFraud, .subject = payer, .what = "", .run = run};
  if (!settings_.is_costly(called)) {
    if (run < kRunThatIsTold) return std::nullopt;
    suspicion.most = DetectorAction::Log;
    suspicion.confidence = kRunConfidence;
    suspicion.count = run;
    suspicion.allowed = kRunThatIsTold - 1;
    suspicion.what = "numbers dialled one after the next";
    return suspicion;
  }
  const CostlyLimits limits = settings_.costly_limits(moment.time);
  const std::uint32_t calls = calls_.count(payer, moment.now, limits.calls.per);
  const std::uint64_t active = active_.find(payer).value_or(0);
  if (active >= limits.at_once) {
    suspicion.confidence = kAtOnceConfidence;
    suspicion.count = active + 1;
    suspicion.allowed = limits.at_once;
    suspicion.what = limits.are_off_hours ? "calls to costly numbers at once outside the hours"
                                          : "calls to costly numbers at once";
    return suspicion;
  }
  if (calls <= limits.calls.events) return std::nullopt;
  suspicion.confidence = kCallsConfidence;
  suspicion.count = calls;
  suspicion.allowed = limits.calls.events;
  suspicion.what =
      limits.are_off_hours ? "calls to costly numbers outside the hours" : "calls to costly numbers";
  suspicion.within = limits.calls.per;
  return suspicion;
}

void TollFraudDetector::begin(std::uint64_t payer) noexcept {
  active_.change_if(payer, as_worth, 0,
                    [](std::optional<std::uint64_t> count) -> std::optional<std::uint64_t> {
                      return std::min(count.value_or(0) + 1, kActiveMax);
                    });
}

void TollFraudDetector::end(std::uint64_t payer) noexcept {
  active_.change_if(payer, as_worth, 0,
                    [](std::optional<std::uint64_t> count) -> std::optional<std::uint64_t> {
                      if (count.value_or(0) <= 1) return std::nullopt;
                      return *count - 1;
                    });
}

}  // namespace sallyport::policy
