// aside.h — work that would hold up the management thread, on a thread of its own: one piece at a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <thread>
#include <utility>

namespace sallyport::mgmt {

// Used on the thread that runs `loop`, which outlives it. When it goes, work that is under way comes to its
// end first, and nobody is told.
class Aside {
 public:
  explicit Aside(boost::asio::io_context& loop) : loop_(loop) {}

  // `work`, which does not throw, on the other thread, then `then` on the loop's. Not before the `then` of
  // the work before was called.
  void run(std::function<void()> work, std::function<void()> then) {
    thread_ = std::jthread([this, work = std::move(work), then = std::move(then)]() mutable {
      work();
      boost::asio::post(loop_, std::move(then));
    });
  }

 private:
  boost::asio::io_context& loop_;
  std::jthread thread_;  // assigning a new one waits for the one before, which has nothing left to do
};

}  // namespace sallyport::mgmt
