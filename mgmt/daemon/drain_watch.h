// drain_watch.h — waits until no call is up, or the time is up; says now and then how many are left.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>

namespace sallyport::mgmt {

struct DrainTimes {
  std::chrono::milliseconds longest{30'000};
  std::chrono::milliseconds look{200};     // how often the calls are counted
  std::chrono::milliseconds report{5000};  // how often their number is told
};

// On the management thread's loop, which must outlive it.
class DrainWatch {
 public:
  struct Calls {
    std::function<std::uint64_t()> active;
    std::function<void(std::uint64_t)> report;
    std::function<void(std::uint64_t)> done;  // with the calls that are left; once
  };
  DrainWatch(boost::asio::io_context& loop, const DrainTimes& times, Calls calls);
  // Looks at once: with no call up it is done before this returns. A second begin() does nothing.
  void begin();
  // No longer.
  void hurry();
  [[nodiscard]] bool has_begun() const noexcept { return has_begun_; }

 private:
  void look();
  void finish(std::uint64_t left);

  DrainTimes times_;
  Calls calls_;
  boost::asio::steady_timer timer_;
  std::chrono::milliseconds waited_{0}, since_report_{0};
  bool has_begun_ = false, is_done_ = false;
};

}  // namespace sallyport::mgmt
