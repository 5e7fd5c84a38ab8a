// busy_shed.h — what a signalling thread leaves undone while it is busier than `security.overload.cpu`.
//
// Who waits too long says that more comes than can be done (lane_patience.h); a thread that is nearly always
// at work says so before anybody waits. Then of what strangers send a part is dropped, more while it stays
// busy, less when it has time again; when that is not enough, new calls of those who have earned trust are
// refused. Known peers' calls are never refused for it: they have limits of their own, and `queue_delay`.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "dataplane/worker/shard_inbox.h"

namespace sallyport::dataplane {

class BusyShed {
 public:
  // Shares are of 1. The thread was so busy since it was told the last time, a tenth of a second ago or more.
  void note(double busy, double limit) noexcept {
    const double above = busy - limit;
    level_ = std::clamp(level_ + (above > 0 ? kUp : kDown) * above, 0.0, 2 * kMost);
  }
  // Whether the next one of that lane is one of those; spread evenly over them.
  [[nodiscard]] bool sheds(Lane lane) noexcept {
    int& owed = owed_[static_cast<std::size_t>(lane)];
    owed += static_cast<int>(std::lround(share_of(lane) * kWhole));
    if (owed < kWhole) return false;
    owed -= kWhole;
    return true;
  }
  [[nodiscard]] double share_of(Lane lane) const noexcept {
    switch (lane) {
      case Lane::Strangers:
        return std::min(level_, kMost);
      case Lane::Trusted:
        return std::max(level_ - kMost, 0.0);
      case Lane::Known:
        break;
    }
    return 0;
  }

 private:
  // So a phone that asks seven times (RFC 3261 §17.1.1.2) is heard even then, as likely as not.
  static constexpr double kMost = 0.9;
  // From nothing to the most within a second at full load; back in some seconds, so that it does not swing.
  static constexpr double kUp = 1.0, kDown = 0.1;
  double level_ = 0;  // up to kMost: strangers'; from there: that of those with trust
  static constexpr int kWhole = 1000;
  std::array<int, kLanes.size()> owed_{};  // thousandths of a message
};

}  // namespace sallyport::dataplane
