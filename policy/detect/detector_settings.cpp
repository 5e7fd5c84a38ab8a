// detector_settings.cpp — see detector_settings.h.
#include "policy/detect/detector_settings.h"

#include <algorithm>
#include <utility>

namespace sallyport::policy {
namespace {

[[nodiscard]] std::int64_t milliseconds_of(Duration time) noexcept {
  return std::max<std::int64_t>(time / std::chrono::milliseconds(1), 1);
}

}  // namespace

void DetectorSettings::put(RateWord& word, const Rate& rate) noexcept {
  const auto events = std::min<std::uint64_t>(rate.events, 0xffffffffu);
  const auto per = std::min<std::int64_t>(milliseconds_of(rate.per), 0xffffffff);
  word.store(events << 32 | static_cast<std::uint64_t>(per), kRelaxed);
}

void DetectorSettings::adopt(const DetectorsConfig& config) {
  const auto put_reaction = [&](Detector detector, const Reaction& reaction) {
    const auto length = static_cast<std::uint64_t>(milliseconds_of(reaction.block_for));
    reactions_[static_cast<std::size_t>(detector)].store(
        length << 2 | static_cast<std::uint64_t>(reaction.action), kRelaxed);
  };
  put_reaction(Detector::InviteFlood, config.invite_flood);
  put_reaction(Detector::RegisterBruteforce, config.register_bruteforce);
  put_reaction(Detector::Scanner, config.scanner);
  put_reaction(Detector::ForgedRequest, config.forged_request);
  put_reaction(Detector::Malformed, config.malformed);
  put_reaction(Detector::Tdos, config.tdos);
  put_reaction(Detector::TollFraud, config.toll_fraud);
  put_reaction(Detector::CallSpam, config.call_spam);
  login_failures_.store(std::max(config.register_failures, 1u), kRelaxed);
  login_window_ms_.store(milliseconds_of(config.register_within), kRelaxed);
  put(malformed_, config.malformed_rate);
  put(calls_per_callee_, config.tdos_calls_per_callee);
  put(costly_calls_, config.toll_fraud_calls);
  costly_at_once_.store(config.toll_fraud_concurrent, kRelaxed);
  auto terms = make_value<DetectorTerms>();
  terms->costly = CostlyPrefixes(config.toll_fraud_prefixes);
  for (const std::string& text : config.toll_fraud_hours)
    if (const auto span = TimeSpan::parse(text)) terms->toll_hours.push_back(*span);
  terms->off_hours_calls = config.toll_fraud_off_hours_calls;
  terms->off_hours_at_once = config.toll_fraud_off_hours_concurrent;
  terms->denied = config.denied_callers;
  terms->allowed = config.allowed_callers;
  terms_.put(std::move(terms));
}

CostlyLimits DetectorSettings::costly_limits(WeekMinute time) const {
  const SharedValue<DetectorTerms> terms = terms_.read();
  const bool is_off =
      !terms->toll_hours.empty() && time.value != WeekMinute::kUnknown &&
      std::ranges::none_of(terms->toll_hours, [time](const TimeSpan& span) { return span.contains(time); });
  if (is_off) return {terms->off_hours_calls, terms->off_hours_at_once, true};
  return {rate_in(costly_calls_), costly_at_once_.load(kRelaxed), false};
}

}  // namespace sallyport::policy
