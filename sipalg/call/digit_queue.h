// digit_queue.h — digits of a call between a side that has them in RTP and one that has them in INFO: RFC
// 4733, RFC 6086.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "media-relay/control/media_command.h"
#include "policy/base/time.h"

namespace sallyport::sip {

inline constexpr std::size_t kDigitsWaitingMax = 32;

struct DigitQueue {
  // Heard in RTP by the relay, for INFO towards `to`: one after the other.
  struct Waiting {
    media::StreamSide to = media::StreamSide::Caller;
    media::Digit digit;
    template <class Archive>
    void archive(Archive& a) {
      a(to, digit);
      if constexpr (Archive::kReads)
        if (to > media::StreamSide::Callee || digit.event > media::kFlashEvent) a.fail();
    }
  };
  std::vector<Waiting> waiting;
  // By StreamSide: how long the relay is busy with the digits that came in INFO for that side.
  std::array<Timestamp, 2> busy_until{};
  template <class Archive>
  void archive(Archive& a) {
    a(waiting, busy_until);
    if constexpr (Archive::kReads)
      if (waiting.size() > kDigitsWaitingMax) a.fail();
  }
};

}  // namespace sallyport::sip
