// call_note.h — one step in the life of a call, small enough to keep for every call; text is made of it only
// when somebody asks (`explain`).
#pragma once

#include <cstdint>
#include <string>

#include "policy/base/time.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"
#include "policy/route/router.h"

namespace sallyport::sip {

enum class CallStep : std::uint8_t {
  RouteMatched,    // a: route
  Emergency,       // recognised by number or URN
  TargetTried,     // a: peer, b: target
  TargetFailed,    // a: peer, b: code
  TargetSilent,    // a: peer; no 1xx within `setup`
  TargetUnusable,  // a: peer, b: target; no listener of that transport and family, or a name without DNS
  TargetLimited,   // a: peer; its limit is reached
  Redirected,      // a: peer, b: code
  Ringing,         // a: fork
  Answered,        // a: fork
  Refused,         // b: code that the caller got
  Cancelled,       // by the caller
  RingTimeout,
  EarlyMediaTimeout,
  CallTimeout,
  ByeReceived,  // a: 0 caller, 1 callee
  HungUp,       // by an operator
  NoAck,        // a: side that never sent it
  DialogLost,   // a: side that answered 481 or nothing, b: code
  Forged,       // a: side whose name was used, b: Settled
  JournalSlow,
  Restored,         // after a restart
  MediaRefused,     // a: side whose description it was, b: code
  MediaSilent,      // a: side that was not heard for as long as its profile allows
  MediaLost,        // a port of before the restart is not ours any more
  TargetNotSecure,  // a: peer, b: target; the caller wants TLS all the way
  TransferAsked,    // a: side that asked
  TransferFailed,   // a: side that asked, b: code
  Transferred,      // a: side that asked
  LongerSession,    // a: peer, b: seconds; it found our session interval too small
  SessionExpired,   // a: side that was not heard of any more, b: 1 when the call goes on, as an emergency
  NoPrack,          // of the caller, for a reliable provisional response
  Rebooked,         // it outlived so many reloads that it goes by the configuration of the day
  Detected,         // a: policy::Detector, b: DetectorAction
  Doubted,          // a: side in whose name somebody speaks from elsewhere, b: Method
  Believed,         // a: that side, b: Settled; what was said from elsewhere took effect
  DoubtDropped,     // a: that side, b: Settled; it neither took effect nor is it held to be forged
  kCount
};

struct CallNote {
  Timestamp at{};
  CallStep step = CallStep::RouteMatched;
  std::uint16_t a = 0, b = 0;
  template <class Archive>
  void archive(Archive& archive) {
    archive(at, step);
    switch (step) {
      case CallStep::RouteMatched:
        archive_named<RouteIndex>(archive);
        break;
      case CallStep::TargetTried:
      case CallStep::TargetFailed:
      case CallStep::TargetSilent:
      case CallStep::TargetUnusable:
      case CallStep::TargetLimited:
      case CallStep::TargetNotSecure:
      case CallStep::LongerSession:
      case CallStep::Redirected:
        archive_named<PeerIndex>(archive);
        break;
      default:
        archive(a);
    }
    archive(b);
  }

 private:
  template <class Number, class Archive>
  void archive_named(Archive& archive) {
    auto number = static_cast<Number>(a);
    archive(number);
    a = static_cast<std::uint16_t>(number);
  }
};
inline constexpr std::size_t kNotesMax = 24;  // of one call; the first ones and the last one are kept

[[nodiscard]] std::string text_of(const CallNote& note, const SbcConfig& config,
                                  const policy::Router& router);

}  // namespace sallyport::sip
