// lane_patience.h — whether a datagram that has waited for a signalling thread is still worth its time, by
// `security.overload.queue_delay`.
//
// One that comes late says nothing: the thread may have been away for a moment, and what waited meanwhile is
// soon done. But what came when all was late already, and leaves late again with nothing in time before it,
// stands in a queue that grows: more arrives than can be done. Whoever sent it has sent it again by then, or
// given up (RFC 3261 §17.1.1.2).
#pragma once

#include "policy/base/time.h"

namespace sallyport::dataplane {

class LanePatience {
 public:
  // Something was taken out that had been put there at `since`. True: too late, and it came when all was.
  [[nodiscard]] bool is_overdue(Timestamp now, Timestamp since, Duration longest) noexcept {
    if (now - since <= longest) {
      is_late_ = false;
      return false;
    }
    if (!is_late_) late_since_ = now;
    is_late_ = true;
    return since >= late_since_;
  }
  // Nothing is left in it.
  void on_empty() noexcept { is_late_ = false; }

 private:
  bool is_late_ = false;
  Timestamp late_since_{};  // while it is
};

}  // namespace sallyport::dataplane
