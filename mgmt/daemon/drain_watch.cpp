// drain_watch.cpp — counts its own ticks: the loop's timer is the only clock.
#include "mgmt/daemon/drain_watch.h"

#include <boost/asio/io_context.hpp>
#include <utility>

namespace sallyport::mgmt {

DrainWatch::DrainWatch(boost::asio::io_context& loop, const DrainTimes& times, Calls calls)
    : times_(times), calls_(std::move(calls)), timer_(loop) {}

void DrainWatch::begin() {
  if (has_begun_) return;
  has_begun_ = true;
  since_report_ = times_.report;
  look();
}

void DrainWatch::hurry() { finish(calls_.active()); }

void DrainWatch::look() {
  if (is_done_) return;
  const std::uint64_t active = calls_.active();
  if (active == 0 || waited_ >= times_.longest) return finish(active);
  if (since_report_ >= times_.report) {
    calls_.report(active);
    since_report_ = std::chrono::milliseconds(0);
  }
  waited_ += times_.look;
  since_report_ += times_.look;
  timer_.expires_after(times_.look);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look();
  });
}

void DrainWatch::finish(std::uint64_t left) {
  if (std::exchange(is_done_, true)) return;
  timer_.cancel();
  calls_.done(left);
}

}  // namespace sallyport::mgmt
