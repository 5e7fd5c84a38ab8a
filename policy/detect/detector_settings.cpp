// detector_settings.cpp — see detector_settings.h.
#include "policy/detect/detector_settings.h"

#include <algorithm>

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
  login_failures_.store(std::max(config.register_failures, 1u), kRelaxed);
  login_window_ms_.store(milliseconds_of(config.register_within), kRelaxed);
  put(malformed_, config.malformed_rate);
  put(calls_per_callee_, config.tdos_calls_per_callee);
  put(costly_calls_, config.toll_fraud_calls);
  costly_at_once_.store(config.toll_fraud_concurrent, kRelaxed);
  costly_.put(make_value<CostlyPrefixes>(config.toll_fraud_prefixes));
}

}  // namespace sallyport::policy
