// tdos.h — many calls to one callee, whoever makes them: strangers and endpoints together, and configured
// peers together (threats I8).
//
// A leaky bucket for each callee that leaks at `calls_per_callee` and lets five seconds' worth come at once
// (never fewer than the rate's own events: 10/h is ten now). An answered call takes back two, itself among
// them, so a callee that answers every second call (a conference, a call centre, a hotline) is not limited;
// and the more it has answered lately, the more may ring there at once, up to twenty times the room. What
// picks up every call is left to the limits of peers and realms. Refused calls count nowhere, so the rate
// itself always passes. A caller's repetitions count each: who calls is what such an attack lies about.
// Through a configured peer come the calls of many callers: for peers together everything is twenty times as
// much, and what they do uses up nothing of what others may.
// Whatever is configured, the excess is refused at most: the call that comes last is no worse than those
// before it.
#pragma once

#include <optional>

#include "policy/decide/leak_table.h"
#include "policy/detect/finding_maker.h"

namespace sallyport::policy {

class TdosDetector {
 public:
  TdosDetector(const DetectorSettings& settings, std::size_t capacity)
      : settings_(settings), callees_(capacity) {}

  // `callee`: a text_key().
  [[nodiscard]] std::optional<Suspicion> before_call(Timestamp now, std::uint64_t callee,
                                                     bool is_peer) noexcept;
  void on_answered(Timestamp now, std::uint64_t callee, bool is_peer) noexcept;

  static constexpr std::uint32_t kAnswerIsWorth = 2, kTimesAtMost = 20, kSecondsAtOnce = 5, kPeersTimes = 20;

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return LeakTable::memory_for(capacity);
  }

 private:
  const DetectorSettings& settings_;  // outlives it
  LeakTable callees_;
};

}  // namespace sallyport::policy
