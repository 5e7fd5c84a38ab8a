// neighbour.h — what an engine needs to know of a peer's Profile, worked out once at start: RFC 3261 §20.5.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/model/sbc_config.h"
#include "sipalg/message/option_tags.h"
#include "sipalg/message/start_line.h"
#include "sipalg/message/strictness_policy.h"
#include "sipalg/transaction/timer_settings.h"

namespace sallyport::sip {

// How sources speak that are no configured peer.
[[nodiscard]] ProfileConfig default_profile(const SbcConfig& config);

struct Neighbour {
  StrictnessPolicy strictness;
  TimerSettings timers;
  ResponsesTo responses_to = ResponsesTo::Via;
  std::vector<std::string> methods;   // compared with regard to case, RFC 3261 §7.1
  std::string allow;                  // the same as a header field value
  OptionTags options;                 // extensions that this leg may use, RFC 3261 §8.2.2.3
  std::string supported;              // the same as a header field value
  std::uint32_t session_seconds = 0;  // Session-Expires that we wish for, RFC 4028; 0: no session timers

  explicit Neighbour(const ProfileConfig& profile);
  [[nodiscard]] bool allows(std::string_view method) const noexcept;
};

}  // namespace sallyport::sip
