// round_trip.h — the time from us to one side and back, by its RTCP reports: RFC 3550 §6.4.1 (LSR, DLSR).
//
// A report that side sends names the last sender report that it got (middle 32 bits of its NTP timestamp) and
// how long ago. We remember when the last few went to it from us: forwarded ones as well as our own. So the
// figure is that of the leg between us and it, whoever made the sender report.
#pragma once

#include <array>
#include <cstdint>

#include "policy/base/time.h"

namespace sallyport::media {

class RoundTrip {
 public:
  // A sender report goes to this side; `middle`: of its NTP timestamp.
  void on_sent(Timestamp now, std::uint32_t middle) noexcept {
    sent_[1] = sent_[0];
    sent_[0] = {now, middle};
  }
  // A report block came from this side. `delay` in 1/65536 s.
  void on_report(Timestamp now, std::uint32_t last_report, std::uint32_t delay) noexcept {
    if (last_report == 0) return;
    for (const Sent& sent : sent_) {
      if (sent.middle != last_report || sent.at == Timestamp{}) continue;
      const std::int64_t ns =
          (now - sent.at).count() - static_cast<std::int64_t>((std::uint64_t{delay} * 1'000'000'000) >> 16);
      // What cannot be was made up, or our reports crossed.
      if (ns >= 0 && ns < kSaneNs) us_ = static_cast<std::uint32_t>(ns / 1000) + 1;
      return;
    }
  }
  // 0: never known; otherwise at least 1.
  [[nodiscard]] std::uint32_t us() const noexcept { return us_; }

 private:
  static constexpr std::int64_t kSaneNs = 10'000'000'000;
  struct Sent {
    Timestamp at{};
    std::uint32_t middle = 0;
  };
  std::array<Sent, 2> sent_{};
  std::uint32_t us_ = 0;
};

}  // namespace sallyport::media
